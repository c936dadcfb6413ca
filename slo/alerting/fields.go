package alerting

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// The fields that Alertmanager 0.33 knows, so that a field of a later issue is
// told from a slip of the pen.
const (
	rootFields = "global route inhibit_rules receivers templates mute_time_intervals time_intervals tracing event_recorder"

	routeFields = "receiver group_by match match_re matchers mute_time_intervals active_time_intervals continue routes " +
		"group_wait group_interval repeat_interval"

	receiverFields = "name labels discord_configs email_configs incidentio_configs pagerduty_configs slack_configs " +
		"webhook_configs opsgenie_configs wechat_configs pushover_configs victorops_configs sns_configs telegram_configs " +
		"webex_configs msteams_configs msteamsv2_configs jira_configs rocketchat_configs mattermost_configs"

	webhookFields = "send_resolved http_config url url_file max_alerts timeout payload"
)

// maxShown is how much of a name of the file an error repeats, in characters.
const maxShown = 80

// fieldReader walks YAML nodes and gathers what it has to refuse.
type fieldReader struct {
	file   string
	faults []fault
}

type fault struct {
	line int
	err  error
}

// fault notes that the node is wrong, in the words of format.
func (r *fieldReader) fault(node *yaml.Node, format string, args ...any) {
	r.faults = append(r.faults, fault{
		line: node.Line, err: fmt.Errorf("%s:%d: %w", r.file, node.Line, fmt.Errorf(format, args...)),
	})
}

// err is every fault in the order of the file, or nil.
func (r *fieldReader) err() error {
	slices.SortStableFunc(r.faults, func(a, b fault) int { return a.line - b.line })
	errs := make([]error, len(r.faults))
	for i, f := range r.faults {
		errs[i] = f.err
	}
	return errors.Join(errs...)
}

// mapping hands every field of the node to its reader. Fields in known that
// have no reader are refused as not supported yet, others as unknown.
func (r *fieldReader) mapping(node *yaml.Node, path, known string, readers map[string]func(*yaml.Node, string)) {
	node = dealias(node)
	if node.Kind != yaml.MappingNode {
		r.fault(node, "%s must be a mapping of fields to values", pathName(path))
		return
	}
	seen := make(map[string]bool, len(node.Content)/2)
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		name := clean(key.Value, maxShown)
		field := strings.TrimPrefix(path+"."+name, ".")
		read, supported := readers[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode:
			r.fault(key, "%s has a field whose name is not a text", pathName(path))
		case key.Tag == "!!merge":
			r.fault(key, "%s: merge keys (<<) are not supported yet: write the fields out", pathName(path))
		case seen[key.Value]:
			r.fault(key, "%s is given twice", field)
		case supported:
			read(value, field)
		case slices.Contains(strings.Fields(known), key.Value):
			r.fault(key, "%s is not supported yet", field)
		default:
			r.fault(key, "unknown field %s", field)
		}
		seen[key.Value] = true
	}
}

// sequence hands every entry of the node to read.
func (r *fieldReader) sequence(node *yaml.Node, path string, read func(*yaml.Node, string)) {
	node = dealias(node)
	if node.Kind != yaml.SequenceNode {
		r.fault(node, "%s must be a list", path)
		return
	}
	for i, entry := range node.Content {
		read(dealias(entry), fmt.Sprintf("%s[%d]", path, i))
	}
}

// text returns the node as a text that is not empty, or notes a fault.
func (r *fieldReader) text(node *yaml.Node, path string) string {
	node = dealias(node)
	if node.Kind != yaml.ScalarNode || node.Tag == "!!null" || node.Value == "" {
		r.fault(node, "%s must be a text and not empty", path)
		return ""
	}
	return node.Value
}

// dealias follows an alias to what it stands for; YAML allows no alias of an alias.
func dealias(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}

func pathName(path string) string {
	if path == "" {
		return "the configuration"
	}
	return path
}
