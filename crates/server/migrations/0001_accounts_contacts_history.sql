CREATE TABLE accounts (
    name    TEXT PRIMARY KEY NOT NULL,
    key     TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One row per pair, the smaller name first.
CREATE TABLE contacts (
    low  TEXT NOT NULL REFERENCES accounts (name),
    high TEXT NOT NULL REFERENCES accounts (name),
    PRIMARY KEY (low, high),
    CHECK (low < high)
) STRICT, WITHOUT ROWID;

CREATE TABLE requests (
    asker TEXT NOT NULL REFERENCES accounts (name),
    asked TEXT NOT NULL REFERENCES accounts (name),
    PRIMARY KEY (asker, asked)
) STRICT, WITHOUT ROWID;

-- One row per call and account. `others` holds names with blanks between them.
CREATE TABLE history (
    account   TEXT NOT NULL REFERENCES accounts (name),
    call      TEXT NOT NULL,
    others    TEXT NOT NULL,
    direction TEXT NOT NULL,
    media     TEXT NOT NULL,
    started   INTEGER NOT NULL,
    talked_s  INTEGER NOT NULL,
    outcome   TEXT NOT NULL,
    PRIMARY KEY (account, call)
) STRICT, WITHOUT ROWID;

CREATE INDEX history_by_time ON history (account, started DESC);
