-- +goose Up

-- When somebody began the budget of an objective anew, and why.
CREATE TABLE budget_resets (
    slo       text    NOT NULL,
    objective integer NOT NULL,
    at_ns     bigint  NOT NULL,
    reason    text    NOT NULL,
    PRIMARY KEY (slo, objective, at_ns)
);

CREATE INDEX budget_resets_at ON budget_resets (at_ns);

-- +goose Down

DROP TABLE budget_resets;
