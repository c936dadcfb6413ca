package web

import (
	"maps"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/slowburn-slo/slowburn/web/view"
	"github.com/slowburn-slo/slowburn/web/webtest"
)

// galleryPath is where every page can be seen in every state, on fixtures.
const galleryPath = "/-/gallery"

// galleryPage lists the exhibits, and shows the components that are small.
func (s *Server) galleryPage(c *gin.Context) {
	base := s.galleryBase(c.Request)
	names := slices.Sorted(maps.Keys(webtest.Pages(base)))
	s.show(c, view.NewGallery(base, galleryPath, names, webtest.All(), webtest.Busy()))
}

// galleryExhibit shows one page on fixtures.
func (s *Server) galleryExhibit(c *gin.Context) {
	page, found := webtest.Pages(s.galleryBase(c.Request))[c.Param("name")]
	if !found {
		s.fail(c.Writer, c.Request, refuse(http.StatusNotFound, "the gallery has no %q", c.Param("name")))
		return
	}
	s.show(c, page)
}

// galleryBase stands still in time, as the fixtures do.
func (s *Server) galleryBase(r *http.Request) view.Base {
	return view.Base{Version: s.settings.Version, Now: webtest.Now(), Theme: theme(r), FiringCount: "3"}
}
