package licentia_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	licentia "github.com/licentia/licentia/bindings/go"
	"github.com/licentia/licentia/bindings/go/internal/storetest"
)

func serve(t *testing.T, gate *licentia.Gate, route licentia.Route, change func(*http.Request)) (*http.Response, string) {
	t.Helper()
	handler := gate.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, licentia.FromContext(r.Context()).Subject)
	}), route)
	request := httptest.NewRequest("GET", "/export?x=1", nil)
	change(request)
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	response := recorder.Result()
	body, _ := io.ReadAll(response.Body)
	return response, string(body)
}

func bearer(r *http.Request) { r.Header.Set("Authorization", "Bearer "+storetest.Token) }

func TestTheMiddlewareLetsThroughWhatIsLicensed(t *testing.T) {
	gate := newGate(t)
	route := licentia.Route{Meters: []licentia.Cost{{Name: "calls", Units: 1}}}
	response, body := serve(t, gate, route, bearer)
	if response.StatusCode != 200 || body != "customer-42" {
		t.Fatal(response.StatusCode, body)
	}
	if response.Header.Get("RateLimit") == "" || response.Header.Get("RateLimit-Policy") == "" {
		t.Fatal(response.Header)
	}
	if licentia.FromContext(ctx) != nil {
		t.Fatal("a decision out of nowhere")
	}
}

func TestTheMiddlewareRefusesWithProblemDetails(t *testing.T) {
	gate := newGate(t)
	for name, test := range map[string]struct {
		route  licentia.Route
		change func(*http.Request)
		status int
		code   string
	}{
		"no token":   {licentia.Route{}, func(*http.Request) {}, 401, "missing_token"},
		"two tokens": {licentia.Route{}, func(r *http.Request) { bearer(r); r.Header.Add("Authorization", "Bearer x") }, 401, "malformed_text"},
		"a feature":  {licentia.Route{Features: []string{"teleport"}}, bearer, 403, "feature_not_licensed"},
		"a quota":    {licentia.Route{Meters: []licentia.Cost{{Name: "calls", Units: 200_000}}}, bearer, 429, "quota_exceeded"},
	} {
		response, body := serve(t, gate, test.route, test.change)
		var problem struct {
			Type   string
			Status int
			Name   string
		}
		if err := json.Unmarshal([]byte(body), &problem); err != nil {
			t.Fatalf("%s: %s", name, body)
		}
		if response.StatusCode != test.status || problem.Status != test.status || problem.Type != "urn:licentia:code:"+test.code {
			t.Errorf("%s: %d, %s", name, response.StatusCode, body)
		}
		if response.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %v", name, response.Header)
		}
		if (test.status == 401 || test.status == 403) == (response.Header.Get("WWW-Authenticate") == "") {
			t.Errorf("%s: %v", name, response.Header)
		}
	}
}

func TestARefusalOfHeadHasNoBody(t *testing.T) {
	_, body := serve(t, newGate(t), licentia.Route{}, func(r *http.Request) { r.Method = "HEAD" })
	if body != "" {
		t.Fatal(body)
	}
}

func TestAMisconfiguredRouteLetsNobodyThrough(t *testing.T) {
	route := licentia.Route{Meters: []licentia.Cost{{Name: "calls", Units: 1 << 60}}}
	if response, _ := serve(t, newGate(t), route, bearer); response.StatusCode != 500 {
		t.Fatal(response.StatusCode)
	}
}
