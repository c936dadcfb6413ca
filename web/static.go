package web

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
)

// static serves a style sheet, script or icon. Its name changes with its
// content, so the browser need not ask again.
func (s *Server) static(c *gin.Context) {
	asset, found := s.assets.Find(strings.TrimPrefix(c.Param("file"), "/"))
	if !found {
		s.notFound(c)
		return
	}
	c.Header("Cache-Control", "private, max-age=31536000, immutable")
	write(c.Writer, http.StatusOK, asset.ContentType, asset.Content)
}
