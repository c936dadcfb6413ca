package alerting

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"gopkg.in/yaml.v3"
)

// maxConfigSize bounds an alerting configuration, in bytes.
const maxConfigSize = 1 << 20

// Config says who is told. The zero Config tells nobody.
type Config struct {
	// Webhooks are those of the receiver that the route names, in the order
	// of the file.
	Webhooks []Webhook
}

// Webhook is one webhook of a receiver.
type Webhook struct {
	// ID is stable over restarts: "webhook/<receiver name>/<place, from 0>".
	ID string
	// Receiver is the receiver's name in the file.
	Receiver string
	Endpoint Endpoint
}

// ParseConfig reads an Alertmanager configuration. Supported so far are
// route.receiver, receivers[].name and receivers[].webhook_configs[].url;
// every other field is refused by name. The error has one fault a line, each
// with file, line and path, and never repeats a URL.
func ParseConfig(file string, data []byte) (Config, error) {
	if len(data) > maxConfigSize {
		return Config{}, fmt.Errorf("%s: is larger than 1 MiB", file)
	}
	root, err := parseYAML(data)
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", file, err)
	}
	r := configReader{fieldReader: fieldReader{file: file}, webhooks: map[string][]Webhook{}}
	config := r.config(root)
	if err := r.err(); err != nil {
		return Config{}, err
	}
	return config, nil
}

// parseYAML returns the content of the only document.
func parseYAML(data []byte) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document, second yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, errors.New("is empty: route and receivers are required")
	} else if err != nil {
		return nil, err
	}
	if err := decoder.Decode(&second); err == nil {
		return nil, fmt.Errorf("line %d: a second document begins here: an alerting configuration is one document", second.Line)
	} else if !errors.Is(err, io.EOF) {
		return nil, err
	}
	return document.Content[0], nil
}

// configReader reads an Alertmanager configuration and gathers its faults.
type configReader struct {
	fieldReader
	// webhooks holds those of each receiver that was read.
	webhooks map[string][]Webhook
	// route is the name that route.receiver holds, routeNode where.
	route     string
	routeNode *yaml.Node
}

func (r *configReader) config(root *yaml.Node) Config {
	r.mapping(root, "", rootFields, map[string]func(*yaml.Node, string){
		"route":     r.routing,
		"receivers": r.receivers,
	})
	webhooks, known := r.webhooks[r.route]
	switch {
	case r.routeNode == nil:
		r.fault(root, "route.receiver is required: it names the receiver that is told")
	case r.route == "": // Refused already.
	case !known:
		r.fault(r.routeNode, "route.receiver names %q, which is not among the receivers", r.route)
	case len(webhooks) == 0:
		r.fault(r.routeNode, "receiver %q has no webhook_configs: nobody would be told", r.route)
	}
	return Config{Webhooks: webhooks}
}

func (r *configReader) routing(node *yaml.Node, path string) {
	r.mapping(node, path, routeFields, map[string]func(*yaml.Node, string){
		"receiver": func(n *yaml.Node, path string) {
			r.route, r.routeNode = r.text(n, path), n
		},
	})
}

func (r *configReader) receivers(node *yaml.Node, path string) {
	r.sequence(node, path, r.receiver)
}

func (r *configReader) receiver(node *yaml.Node, path string) {
	var (
		name      string
		nameNode  *yaml.Node
		endpoints []Endpoint
	)
	r.mapping(node, path, receiverFields, map[string]func(*yaml.Node, string){
		"name": func(n *yaml.Node, path string) {
			name, nameNode = r.text(n, path), n
		},
		"webhook_configs": func(n *yaml.Node, path string) {
			r.sequence(n, path, func(n *yaml.Node, path string) {
				endpoints = append(endpoints, r.webhook(n, path))
			})
		},
	})
	if nameNode == nil {
		r.fault(node, "%s.name is required", path)
		return
	}
	if name == "" { // Refused already.
		return
	}
	if _, twice := r.webhooks[name]; twice {
		r.fault(nameNode, "%s.name: another receiver is called %q too", path, name)
		return
	}
	r.webhooks[name] = make([]Webhook, len(endpoints))
	for i, e := range endpoints {
		r.webhooks[name][i] = Webhook{ID: fmt.Sprintf("webhook/%s/%d", name, i), Receiver: name, Endpoint: e}
	}
}

func (r *configReader) webhook(node *yaml.Node, path string) Endpoint {
	var endpoint Endpoint
	seen := false
	r.mapping(node, path, webhookFields, map[string]func(*yaml.Node, string){
		"url": func(n *yaml.Node, path string) {
			seen = true
			text := r.text(n, path)
			if text == "" {
				return
			}
			if strings.Contains(text, "{{") {
				r.fault(n, "%s: templates are not supported yet", path)
				return
			}
			var err error
			if endpoint, err = parseEndpoint(text); err != nil {
				r.fault(n, "%s %w", path, err)
			}
		},
	})
	if !seen {
		r.fault(node, "%s.url is required", path)
	}
	return endpoint
}
