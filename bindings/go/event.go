package licentia

import (
	"context"
	"log/slog"
	"time"
)

// Event is a decision, for those who watch.
type Event struct {
	At time.Time
	// Action and Source are the request's.
	Action, Source string
	Decision       *Decision
}

func (g *Gate) report(ctx context.Context, request *Request, now Now, decision *Decision) {
	event := Event{time.Unix(int64(now.Seconds), 0), request.Action, request.Source, decision}
	for _, events := range g.settings.events {
		events(ctx, event)
	}
}

// LogValue shows the event to package slog: never a token.
func (e Event) LogValue() slog.Value {
	d := e.Decision
	attributes := []slog.Attr{
		slog.Bool("allowed", d.Allowed), slog.String("code", d.Code.String()), slog.String("state", d.State.String()),
	}
	for _, part := range [...]struct{ name, value string }{
		{"action", e.Action}, {"source", e.Source}, {"subject", d.Subject}, {"tier", d.Tier},
	} {
		if part.value != "" {
			attributes = append(attributes, slog.String(part.name, part.value))
		}
	}
	if d.Licensed {
		attributes = append(attributes, slog.String("lineage", d.Lineage.String()))
	}
	if d.Warning != Allowed {
		attributes = append(attributes, slog.String("warning", d.Warning.String()))
	}
	return slog.GroupValue(attributes...)
}

func (e Event) log(ctx context.Context, logger *slog.Logger) {
	switch {
	case !e.Decision.Allowed:
		logger.LogAttrs(ctx, slog.LevelInfo, "request denied", slog.Any("licentia", e))
	case e.Decision.Warning != Allowed:
		logger.LogAttrs(ctx, slog.LevelWarn, "request allowed in doubt", slog.Any("licentia", e))
	}
}
