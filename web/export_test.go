package web

import "github.com/gin-gonic/gin"

// Routes are all routes, so that a test can try each.
func (s *Server) Routes() gin.RoutesInfo { return s.engine.Routes() }
