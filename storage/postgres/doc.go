// Package postgres keeps what Slowburn must never lose in PostgreSQL: the
// ledger's counts and cursor, the objectives, the episodes and the messages
// about them. It also runs a server of its own where none is given.
package postgres
