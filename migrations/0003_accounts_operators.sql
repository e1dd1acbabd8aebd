-- Channels whose sessions may run this node, and the one-time link that makes the first of them.
create table operator (
    -- Genesis CID.
    channel text primary key,
    since_ms bigint not null
);

-- At most one link counts: each start without an operator makes a new one.
create table operator_link (
    the_one boolean primary key default true check (the_one),
    token_hash bytea not null check (octet_length(token_hash) = 32)
);

grant select, insert, delete on operator to pinreel_app;
grant select, insert, update, delete on operator_link to pinreel_app;
