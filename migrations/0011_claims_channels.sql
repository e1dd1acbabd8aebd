-- What the log says of channels and their keys by now, so that a new record is checked without reading the log again.
-- All of it can be made anew from the log.
create table channel (
    id text primary key references log_entry (record),
    -- The newest record that says which keys may sign: a new record must name it.
    keys text not null references log_entry (record),
    -- The newest profile, its handle, and what it says unless it was erased.
    profile text references log_entry (record),
    handle text,
    name text not null default '',
    about text,
    created_ms bigint not null,
    check ((profile is null) = (handle is null))
);

-- Each signing key belongs to one channel and heads a chain of its own; seq and head are null before its first record.
create table signing_key (
    key bytea primary key check (octet_length(key) = 32),
    channel text not null references channel (id),
    seq bigint,
    head text references log_entry (record),
    check ((seq is null) = (head is null))
);

grant select, insert, update on channel to pinreel_app;
grant select, insert, update on signing_key to pinreel_app;
