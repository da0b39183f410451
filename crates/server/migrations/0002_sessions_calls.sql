-- What a restart must not lose. One session per device; `received` and `acknowledged` are the
-- last numbers in each direction.
CREATE TABLE sessions (
    account      TEXT NOT NULL REFERENCES accounts (name),
    device       TEXT NOT NULL,
    session      TEXT NOT NULL,
    received     INTEGER NOT NULL,
    acknowledged INTEGER NOT NULL,
    PRIMARY KEY (account, device)
) STRICT, WITHOUT ROWID;

-- What was said to a device and is not acknowledged.
CREATE TABLE outbox (
    account TEXT NOT NULL,
    device  TEXT NOT NULL,
    seq     INTEGER NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (account, device, seq),
    FOREIGN KEY (account, device) REFERENCES sessions (account, device) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Calls that ring or are held, whole.
CREATE TABLE calls (
    call   TEXT PRIMARY KEY NOT NULL,
    record TEXT NOT NULL
) STRICT, WITHOUT ROWID;
