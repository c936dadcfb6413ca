package web

import (
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/slowburn-slo/slowburn/web/view"
)

// base is what every page has.
func (s *Server) base() view.Base {
	return view.Base{Version: s.settings.Version, Now: s.clock()}
}

// show sends a page.
func (s *Server) show(c *gin.Context, page view.Page) {
	body, err := s.renderer.Render(page)
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	write(c.Writer, http.StatusOK, "text/html; charset=utf-8", body)
}

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
