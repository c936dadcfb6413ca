package alerting

import (
	"errors"
	"net/url"
)

// Endpoint is a URL to send to. Its user, path and query may be secrets
// (Slack's are), so it shows only scheme and host wherever it is printed.
type Endpoint struct {
	url *url.URL
}

// parseEndpoint reads an absolute http or https URL. Its errors never repeat
// the text.
func parseEndpoint(text string) (Endpoint, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return Endpoint{}, errors.New("is not a valid URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return Endpoint{}, errors.New("must be an absolute URL that begins with http:// or https://")
	case u.Hostname() == "":
		return Endpoint{}, errors.New("names no host")
	}
	u.Fragment, u.RawFragment = "", ""
	return Endpoint{url: u}, nil
}

// String is scheme and host only: "https://hooks.example.com".
func (e Endpoint) String() string {
	if e.url == nil {
		return ""
	}
	return e.url.Scheme + "://" + e.url.Host
}

// GoString is String, so that %#v shows no secret either.
func (e Endpoint) GoString() string { return e.String() }

// join returns the endpoint with a path added to its own.
func (e Endpoint) join(path string) Endpoint {
	return Endpoint{url: e.url.JoinPath(path)}
}
