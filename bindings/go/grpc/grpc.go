// Package grpc has interceptors that let a call through if its licence grants what its method needs.
package grpc

import (
	"context"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	licentia "github.com/licentia/licentia/bindings/go"
)

// Needs returns what a method ("/package.Service/Method") needs of a licence. A method for which it returns false is
// refused: a new method is never open by mistake.
type Needs func(method string) (licentia.Request, bool)

// UnaryServerInterceptor decides on calls. A refusal has the status of [Code], and the header fields of an HTTP response
// as trailing metadata. The handler finds the decision with [licentia.FromContext].
func UnaryServerInterceptor(gate *licentia.Gate, needs Needs) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		ctx, err := admit(ctx, gate, needs, info.FullMethod, func(md metadata.MD) error { return grpc.SetTrailer(ctx, md) })
		if err != nil {
			return nil, err
		}
		return handler(ctx, request)
	}
}

// StreamServerInterceptor decides on streams, when they begin.
func StreamServerInterceptor(gate *licentia.Gate, needs Needs) grpc.StreamServerInterceptor {
	return func(server any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		trailer := func(md metadata.MD) error { stream.SetTrailer(md); return nil }
		ctx, err := admit(stream.Context(), gate, needs, info.FullMethod, trailer)
		if err != nil {
			return err
		}
		return handler(server, &admitted{stream, ctx})
	}
}

type admitted struct {
	grpc.ServerStream
	ctx context.Context
}

func (a *admitted) Context() context.Context { return a.ctx }

func admit(ctx context.Context, gate *licentia.Gate, needs Needs, method string, trailer func(metadata.MD) error) (context.Context, error) {
	request, known := needs(method)
	if !known {
		return nil, status.Error(codes.PermissionDenied, "this method needs a licence, and nothing says of which kind")
	}
	request.HTTP = true
	if request.Action == "" {
		request.Action = method
	}
	if from, ok := peer.FromContext(ctx); ok && request.Source == "" {
		request.Source = from.Addr.String()
	}
	// Several fields are one list, which no scheme accepts.
	token := licentia.Bearer(strings.Join(metadata.ValueFromIncomingContext(ctx, "authorization"), ", "))
	decision, err := gate.Check(ctx, token, request)
	switch {
	case ctx.Err() != nil:
		return nil, status.FromContextError(ctx.Err()).Err()
	case err != nil:
		return nil, status.Error(codes.Internal, "the licence could not be checked")
	case decision.Allowed:
		return licentia.NewContext(ctx, decision), nil
	}
	said := metadata.MD{}
	for name, values := range decision.Header() {
		said.Set(name, values...)
	}
	// The call is denied, whether or not the client learns why.
	_ = trailer(said)
	return nil, status.Error(Code(decision.HTTPStatus), decision.Code.String()+": "+decision.Code.Message())
}

// Code is the status of a call for the status of an HTTP response.
func Code(httpStatus int) codes.Code {
	switch httpStatus {
	case 200:
		return codes.OK
	case 401:
		return codes.Unauthenticated
	case 403:
		return codes.PermissionDenied
	case 409:
		return codes.Aborted
	case 429:
		return codes.ResourceExhausted
	case 502, 503, 504:
		return codes.Unavailable
	}
	return codes.Internal
}
