package web

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/view"
)

// base is what every page has. Nav is the section of the menu that it belongs to.
func (s *Server) base(r *http.Request, nav string) view.Base {
	all := s.settings.Statuses.Statuses()
	return view.Base{
		Nav: nav, Version: s.settings.Version, Now: s.clock(), Theme: theme(r), FiringCount: firing(all), Alarms: s.alarms(r.Context(), all),
	}
}

// liveBase is that of a page whose live part can be fetched alone: at the same
// address and with the same query, below fragmentPath.
func (s *Server) liveBase(r *http.Request, nav string) view.Base {
	base := s.base(r, nav)
	base.Fragment = fragmentOf(r)
	return base
}

// fragmentOf is where the live part of the page that was asked for can be
// fetched, whether the page itself or that part was asked for.
func fragmentOf(r *http.Request) string {
	path := strings.TrimPrefix(r.URL.EscapedPath(), fragmentPath)
	return strings.TrimSuffix(fragmentPath+path, "/") + strings.TrimSuffix("?"+r.URL.RawQuery, "?")
}

// pageOf is the address of the page that a fragment's address belongs to.
func pageOf(fragment string) string {
	path := strings.TrimPrefix(fragment, fragmentPath)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return path
}

// firing is how many episodes fire, empty for none.
func firing(all []slo.Status) string {
	n := 0
	for _, status := range all {
		for i := range status.Objectives {
			n += len(status.Objectives[i].Firing)
		}
	}
	if n == 0 {
		return ""
	}
	return view.Count(int64(n))
}

// show sends a page.
func (s *Server) show(c *gin.Context, page view.Page) {
	s.showWith(c, http.StatusOK, page)
}

// showWith sends a page with a status: a form with faults is no success.
func (s *Server) showWith(c *gin.Context, status int, page view.Page) {
	body, err := s.renderer.Render(page)
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	write(c.Writer, status, "text/html; charset=utf-8", body)
}

// showPart sends one part of a page: a template that the whole page draws, too.
func (s *Server) showPart(c *gin.Context, part string, page view.Page) {
	body, err := s.renderer.RenderPart(part, page)
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	write(c.Writer, http.StatusOK, "text/html; charset=utf-8", body)
}

// showLive sends the live part of a page.
func (s *Server) showLive(c *gin.Context, page view.Page) { s.showPart(c, view.LivePart, page) }

// pageNumber reads the query parameter page, which counts from 1.
func pageNumber(r *http.Request) (int, error) {
	text := r.URL.Query().Get("page")
	if text == "" {
		return 1, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, refuse(http.StatusBadRequest, "page %q is not a whole number from 1", text)
	}
	return n, nil
}
