-- +goose Up

-- Every revision of every OpenSLO object that is no SLO. refs are the objects
-- that it refers to. The document of a DataSource may hold secrets.
CREATE TABLE objects (
    kind           text    NOT NULL,
    name           text    NOT NULL,
    revision       integer NOT NULL,
    origin         text    NOT NULL,
    document       bytea   NOT NULL,
    refs           json    NOT NULL,
    applied_at_ns  bigint,
    archived_at_ns bigint,
    PRIMARY KEY (kind, name, revision)
);

CREATE UNIQUE INDEX objects_live ON objects (kind, name) WHERE archived_at_ns IS NULL;

-- +goose Down

DROP TABLE objects;
