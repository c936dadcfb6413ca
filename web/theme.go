package web

import (
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"
)

// themeCookie remembers light or dark; without it the browser decides.
const themeCookie = "slowburn-theme"

// themeFor is how long the choice is remembered, in seconds: a year.
const themeFor = 365 * 24 * 60 * 60

// theme is "light" or "dark" if the reader chose one, else empty.
func theme(r *http.Request) string {
	cookie, err := r.Cookie(themeCookie)
	if err != nil || !slices.Contains([]string{"light", "dark"}, cookie.Value) {
		return ""
	}
	return cookie.Value
}

// setTheme remembers the choice and returns to the settings.
func (s *Server) setTheme(c *gin.Context) {
	choice := c.PostForm("theme")
	if !slices.Contains([]string{"light", "dark", "system"}, choice) {
		s.fail(c.Writer, c.Request, refuse(http.StatusBadRequest, "the theme %q is none of light, dark, system", choice))
		return
	}
	//nolint:gosec // Without TLS a secure cookie would be dropped; it holds "light" or "dark".
	cookie := &http.Cookie{
		Name: themeCookie, Value: choice, Path: "/", MaxAge: themeFor, HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Secure: c.Request.TLS != nil,
	}
	if choice == "system" {
		cookie.Value, cookie.MaxAge = "", -1
	}
	http.SetCookie(c.Writer, cookie)
	c.Redirect(http.StatusSeeOther, "/settings")
}
