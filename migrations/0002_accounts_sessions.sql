-- Signing in: the node gives out a nonce, the channel's key signs a statement around it, and the nonce is taken away in
-- the same moment, so that a statement opens one session at most.
create table session_challenge (
    nonce bytea primary key check (octet_length(nonce) = 32),
    expires_ms bigint not null
);

-- Only the hash of a session's token is kept: who reads this table can't act as anybody.
create table session (
    token_hash bytea primary key check (octet_length(token_hash) = 32),
    -- Genesis CID.
    channel text not null,
    -- The key that signed in.
    key bytea not null check (octet_length(key) = 32),
    created_ms bigint not null,
    expires_ms bigint not null
);

grant select, insert, delete on session_challenge, session to pinreel_app;
