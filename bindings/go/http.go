package licentia

import (
	"context"
	"io"
	"net/http"
	"strings"
)

// Route says what the requests of a route need of a licence.
type Route struct {
	Audience      string
	Features      []string
	Rates, Meters []Cost
	// Origin is the public origin that proofs name, such as "https://api.acme.example". Without it every proof is
	// refused: what a request says of its own host is the client's word.
	Origin string
}

// Header fields.
const (
	proofField      = "Licentia-Proof"
	proofNonceField = "Licentia-Proof-Nonce"
	problemType     = "application/problem+json"
)

// Header returns the fields of a response: rate limits, and of a refusal also how to authenticate and when to try
// again. They are there if the request asked for them, as [Gate.Handler] and [Gate.CheckHTTP] do.
func (d *Decision) Header() http.Header {
	header := make(http.Header, len(d.header))
	for _, field := range d.header {
		header.Add(field.name, field.value)
	}
	return header
}

// Problem returns the body of a refusal: problem details (RFC 9457) of the type application/problem+json. It is there if
// the request asked for it.
func (d *Decision) Problem() string { return d.problem }

type contextKey struct{}

// NewContext returns a context that carries a decision.
func NewContext(ctx context.Context, decision *Decision) context.Context {
	return context.WithValue(ctx, contextKey{}, decision)
}

// FromContext returns the decision on the request that is being served, or nil if no gate has decided on it.
func FromContext(ctx context.Context) *Decision {
	decision, _ := ctx.Value(contextKey{}).(*Decision)
	return decision
}

// Bearer returns the token of the value of an Authorization field; empty if it has none.
func Bearer(authorization string) string {
	// Longer than every token, with room for the scheme: what follows is never read.
	answer, err := ask(opBearer, func(w *writer) { w.text(authorization[:min(len(authorization), 2*mostText)]) }, Now{})
	if err != nil {
		return ""
	}
	return answer.text()
}

// CheckHTTP decides whether an HTTP request may proceed. The token is that of `Authorization: Bearer`, the proof that of
// `Licentia-Proof`. The decision has header fields and the body of a refusal.
func (g *Gate) CheckHTTP(r *http.Request, route Route) (*Decision, error) {
	request := Request{
		Action: r.Method + " " + r.URL.Path, Source: r.RemoteAddr, Audience: route.Audience,
		Features: route.Features, Rates: route.Rates, Meters: route.Meters, HTTP: true,
	}
	// Several fields are one list, which no scheme accepts.
	authorization := strings.Join(r.Header.Values("Authorization"), ", ")
	if proofs := r.Header.Values(proofField); len(proofs) > 0 {
		proof := Proof{Value: strings.Join(proofs, ", "), Method: r.Method}
		if route.Origin != "" {
			proof.URI = route.Origin + r.URL.RequestURI()
		}
		request.Proof = &proof
	}
	token := ""
	if authorization != "" {
		token = Bearer(authorization)
	}
	return g.Check(r.Context(), token, request)
}

// Refuse answers a request that was denied.
func (d *Decision) Refuse(w http.ResponseWriter, r *http.Request) {
	for _, field := range d.header {
		w.Header().Add(field.name, field.value)
	}
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(d.HTTPStatus)
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(w, d.problem)
	}
}

// Handler lets a request through if its licence grants what the route needs, and else answers with problem details. It
// wraps any handler: chi, gin and echo take it as they take every standard middleware. The handler finds the decision
// with [FromContext].
func (g *Gate) Handler(next http.Handler, route Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		decision, err := g.CheckHTTP(r, route)
		switch {
		case err != nil:
			// A misconfigured route, a client that went away, or a gate that ended: nobody passes.
			http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		case !decision.Allowed:
			decision.Refuse(w, r)
		default:
			for _, field := range decision.header {
				w.Header().Add(field.name, field.value)
			}
			next.ServeHTTP(w, r.WithContext(NewContext(r.Context(), decision)))
		}
	})
}

// Middleware is [Gate.Handler] in the form that routers take.
func (g *Gate) Middleware(route Route) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return g.Handler(next, route) }
}
