package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

const (
	// livePath is where a page hears that something was judged.
	livePath = "/live"
	// pulsePeriod is how often a page hears of new verdicts at most; beatEvery
	// how often it hears that nothing is new.
	pulsePeriod = time.Second
	beatEvery   = 5 * time.Second
	// maxListeners bounds the pages that listen at a time, and liveFor how long
	// one connection lasts: the browser then opens the next.
	maxListeners = 500
	liveFor      = 10 * time.Minute
	// liveWriteTimeout is how long a reader may take for one event.
	liveWriteTimeout = 10 * time.Second
)

// live sends server-sent events: "verdict" when objectives were judged or an
// alarm changed since the last one, "beat" at least every five seconds. The events carry no
// figures: whoever hears one asks for what it shows, so that a page that
// missed some is right again after the next.
func (s *Server) live(c *gin.Context) {
	if s.listeners.Add(1) > maxListeners {
		s.listeners.Add(-1)
		c.Header("Retry-After", "30")
		s.fail(c.Writer, c.Request, refuse(http.StatusServiceUnavailable, "%d pages listen already", maxListeners))
		return
	}
	defer s.listeners.Add(-1)
	c.Header("Content-Type", "text/event-stream")
	c.Header("X-Accel-Buffering", "no") // A proxy that buffers would make every page stale.
	stream := &eventStream{controller: http.NewResponseController(c.Writer), writer: c.Writer}
	if stream.send("beat") != nil {
		return
	}
	ticker := time.NewTicker(pulsePeriod)
	defer ticker.Stop()
	end := time.NewTimer(liveFor)
	defer end.Stop()
	ctx := c.Request.Context()
	seen, quiet := s.news(ctx), time.Duration(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.stopping:
			return
		case <-end.C:
			return
		case <-ticker.C:
		}
		event := ""
		quiet += pulsePeriod
		if now := s.news(ctx); now != seen {
			seen, event = now, "verdict"
		} else if quiet >= beatEvery {
			event = "beat"
		}
		if event == "" {
			continue
		}
		quiet = 0
		if stream.send(event) != nil {
			return
		}
	}
}

// news differs whenever pages have something new to show.
type news struct {
	evaluations uint64
	// alarms are those of now: a page that goes stale, when nothing is judged
	// any more, must say so.
	alarms string
}

func (s *Server) news(ctx context.Context) news {
	alarms, _ := s.raised.get(struct{}{}, time.Now(), func() (string, error) {
		var text strings.Builder
		for _, a := range s.alarms(ctx, s.settings.Statuses.Statuses()) {
			text.WriteString(a.Lead + a.At.Machine + a.Text)
		}
		return text.String(), nil
	})
	return news{evaluations: s.settings.Statuses.Evaluations(), alarms: alarms}
}

// eventStream writes server-sent events, each with a time limit of its own.
type eventStream struct {
	controller *http.ResponseController
	writer     http.ResponseWriter
}

func (e *eventStream) send(event string) error {
	// A test's recorder has no deadline; a real connection has.
	_ = e.controller.SetWriteDeadline(time.Now().Add(liveWriteTimeout))
	if _, err := fmt.Fprintf(e.writer, "event: %s\ndata:\n\n", event); err != nil {
		return err
	}
	return e.controller.Flush()
}
