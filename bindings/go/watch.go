package licentia

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"time"
)

// Source returns a keyset's or a bundle's bytes, or nil if there is nothing new. See [FileSource].
type Source func(ctx context.Context) ([]byte, error)

// FileSource reads a file, when it has changed.
func FileSource(path string) Source {
	var seen os.FileInfo
	return func(context.Context) ([]byte, error) {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if seen != nil && info.ModTime().Equal(seen.ModTime()) && info.Size() == seen.Size() {
			return nil, nil
		}
		bytes, err := os.ReadFile(path)
		if err == nil {
			seen = info
		}
		return bytes, err
	}
}

// Watch says what [Gate.Watch] loads, and how often.
type Watch struct {
	// Keyset and Revocation are where newer ones come from. One may be nil.
	Keyset, Revocation Source
	// Every is how often they are asked, with a little jitter; a minute if 0.
	Every time.Duration
	// OnError is called with what was not fetched or not loaded; what is in use stays. It may be nil.
	OnError func(error)
}

// Watch loads newer keysets and bundles until ctx is done or the gate is closed. It asks once before it returns, so that
// a gate that requires revocations can decide.
func (g *Gate) Watch(ctx context.Context, watch Watch) error {
	if watch.Keyset == nil && watch.Revocation == nil {
		return wrong("the watch has neither a Keyset nor a Revocation")
	}
	if watch.Every < 0 {
		return wrong("Every is %v: give a duration that is not negative", watch.Every)
	}
	if watch.Every == 0 {
		watch.Every = time.Minute
	}
	first := g.look(ctx, &watch)
	g.helper.Add(1)
	go func() {
		defer g.helper.Done()
		for {
			// A tenth more or less, so that a thousand processes do not ask at once.
			pause := time.Duration(float64(watch.Every) * (0.9 + 0.2*rand.Float64()))
			select {
			case <-ctx.Done():
				return
			case <-g.stop:
				return
			case <-time.After(pause):
			}
			if err := g.look(ctx, &watch); err != nil && watch.OnError != nil && ctx.Err() == nil {
				watch.OnError(err)
			}
		}
	}()
	return first
}

func (g *Gate) look(ctx context.Context, watch *Watch) error {
	load := func(source Source, load func([]byte) (bool, error)) error {
		if source == nil {
			return nil
		}
		bytes, err := source(ctx)
		if err != nil || bytes == nil {
			return err
		}
		_, err = load(bytes)
		return err
	}
	return errors.Join(load(watch.Keyset, g.LoadKeyset), load(watch.Revocation, g.LoadRevocation))
}
