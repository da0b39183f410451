-- The server's own key, which its echo contact signs with.
CREATE TABLE server_key (
    id     INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    secret BLOB NOT NULL
) STRICT;
