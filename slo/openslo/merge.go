package openslo

import "gopkg.in/yaml.v3"

// unmerge puts what merge keys (<<) stand for into the maps that have them:
// what is written in a map itself holds, and of several merges the first. What
// cannot be merged stays as it is, to be refused where it is read. The tree MUST
// be one that tangled has nothing against.
func unmerge(root *yaml.Node) {
	done := map[*yaml.Node]bool{}
	var walk func(node *yaml.Node)
	walk = func(node *yaml.Node) {
		node = resolve(node)
		if done[node] {
			return
		}
		done[node] = true
		for _, child := range node.Content {
			walk(child)
		}
		if node.Kind == yaml.MappingNode {
			mergeInto(node)
		}
	}
	walk(root)
}

// mergeInto unmerges one map, whose parts are unmerged.
func mergeInto(node *yaml.Node) {
	var own, merged []*yaml.Node
	known := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if key.ShortTag() == "!!merge" && mergeable(value) {
			merged = append(merged, key, value)
			continue
		}
		known[resolve(key).Value] = true
		own = append(own, key, value)
	}
	for i := 0; i < len(merged); i += 2 {
		head := merged[i].HeadComment
		for _, source := range mergedMaps(merged[i+1]) {
			for j := 0; j+1 < len(source.Content); j += 2 {
				key := resolve(source.Content[j])
				if known[key.Value] {
					continue
				}
				known[key.Value] = true
				key = bare(key, true)
				key.HeadComment, head = head, ""
				own = append(own, key, bare(source.Content[j+1], true))
			}
		}
	}
	node.Content = own
}

// mergeable reports a map, or a list of maps.
func mergeable(node *yaml.Node) bool {
	for _, one := range mergedMaps(node) {
		if one.Kind != yaml.MappingNode {
			return false
		}
	}
	return true
}

// mergedMaps are the maps that a merge key merges.
func mergedMaps(node *yaml.Node) []*yaml.Node {
	node = resolve(node)
	if node.Kind != yaml.SequenceNode {
		return []*yaml.Node{node}
	}
	maps := make([]*yaml.Node, len(node.Content))
	for i, item := range node.Content {
		maps[i] = resolve(item)
	}
	return maps
}
