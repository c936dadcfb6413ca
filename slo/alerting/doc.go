// Package alerting tells people: it turns the transitions of episodes into
// messages for a durable outbox, and delivers the outbox to webhooks and to an
// Alertmanager, at least once each, under one stable id.
package alerting
