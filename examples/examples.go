// Package examples holds the example objectives, for the demo and for people.
package examples

import _ "embed"

//go:embed slos/shop.yaml
var shopSLOs []byte

// ShopSLOs returns the objectives of the demo shop: OpenSLO documents (YAML).
func ShopSLOs() []byte { return shopSLOs }
