-- The log of signed records: one order for everything that this node acknowledges, without gaps, for good. Entries are
-- only ever added: the application may neither change nor remove one. Bodies stand in a table of their own, because a
-- body can be erased while its header stays.

-- The log's end. Whoever appends locks this one row first, so index, received time and visibility share one order: a
-- sequence would leave gaps after a rollback and show 8 before 7.
create table log_head (
    the_one boolean primary key default true check (the_one),
    size bigint not null check (size >= 0),
    received_ms bigint not null
);
insert into log_head (size, received_ms) values (0, 0);

create table log_entry (
    index bigint primary key check (index >= 0),
    -- The header's CID.
    record text not null unique,
    -- The log's time in ms since the Unix epoch; never decreases with the index.
    received_ms bigint not null,
    header bytea not null check (octet_length(header) <= 1024),
    kind text not null,
    -- Genesis CID of the record's channel.
    channel text not null,
    key bytea not null check (octet_length(key) = 32),
    seq bigint not null check (seq >= 0),
    -- A key signs each number once: a second header for it is a retry or a conflict.
    unique (key, seq)
);

create table log_body (
    index bigint primary key references log_entry (index),
    body bytea not null check (octet_length(body) <= 65536)
);

-- Which tombstone erased which body.
create table log_erasure (
    index bigint primary key references log_entry (index),
    tombstone bigint not null references log_entry (index)
);

grant select on log_head to pinreel_app;
grant update (size, received_ms) on log_head to pinreel_app;
grant select, insert on log_entry to pinreel_app;
grant select, insert, delete on log_body to pinreel_app;
grant select, insert on log_erasure to pinreel_app;
