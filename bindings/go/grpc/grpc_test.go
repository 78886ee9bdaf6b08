package grpc

import (
	"context"
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	licentia "github.com/licentia/licentia/bindings/go"
	"github.com/licentia/licentia/bindings/go/internal/storetest"
)

// checked serves health checks, and says whom it serves.
type checked struct{ *health.Server }

func (c checked) Check(ctx context.Context, request *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	if licentia.FromContext(ctx).Subject != "customer-42" {
		return nil, status.Error(codes.Internal, "nobody is served")
	}
	return c.Server.Check(ctx, request)
}

func TestAServerLetsLicensedCallsThrough(t *testing.T) {
	gate, err := licentia.NewGate([]string{storetest.Key}, licentia.WithAudience(storetest.Audience), licentia.WithClock(storetest.Clock))
	if err != nil {
		t.Fatal(err)
	}
	defer gate.Close()
	needs := func(method string) (licentia.Request, bool) {
		switch method {
		case "/grpc.health.v1.Health/Check":
			return licentia.Request{Meters: []licentia.Cost{{Name: "calls", Units: 50_000}}}, true
		case "/grpc.health.v1.Health/Watch":
			return licentia.Request{Features: []string{"teleport"}}, true
		}
		return licentia.Request{}, false
	}
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer(
		grpc.UnaryInterceptor(UnaryServerInterceptor(gate, needs)), grpc.StreamInterceptor(StreamServerInterceptor(gate, needs)))
	grpc_health_v1.RegisterHealthServer(server, checked{health.NewServer()})
	go func() { _ = server.Serve(listener) }()
	defer server.Stop()
	connection, err := grpc.NewClient("passthrough:///x", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	client := grpc_health_v1.NewHealthClient(connection)
	call := func(ctx context.Context, expected codes.Code, field string) {
		t.Helper()
		var trailer metadata.MD
		_, err := client.Check(ctx, &grpc_health_v1.HealthCheckRequest{}, grpc.Trailer(&trailer))
		if status.Code(err) != expected || (field != "" && len(trailer.Get(field)) == 0) {
			t.Fatalf("%v, %v", err, trailer)
		}
	}
	licensed := metadata.AppendToOutgoingContext(context.Background(), "authorization", "Bearer "+storetest.Token)
	call(context.Background(), codes.Unauthenticated, "www-authenticate")
	call(licensed, codes.OK, "")
	call(licensed, codes.OK, "")
	call(licensed, codes.ResourceExhausted, "retry-after")
	stream, err := client.Watch(licensed, &grpc_health_v1.HealthCheckRequest{})
	if err == nil {
		_, err = stream.Recv()
	}
	if status.Code(err) != codes.PermissionDenied {
		t.Fatal(err)
	}
	if _, err := client.List(licensed, &grpc_health_v1.HealthListRequest{}); status.Code(err) != codes.PermissionDenied {
		t.Fatalf("a method that nobody has named: %v", err)
	}
}
