-- Who may found a channel here. No row: what the node was started with counts.
create table registration (
    the_one boolean primary key default true check (the_one),
    mode text not null check (mode in ('open', 'invitation', 'closed'))
);

-- Each invitation founds one channel.
create table invitation (
    token_hash bytea primary key check (octet_length(token_hash) = 32),
    created_ms bigint not null,
    expires_ms bigint not null,
    -- Genesis CID of the channel that it founded.
    used_by text
);

grant select, insert, update on registration to pinreel_app;
grant select, insert, update, delete on invitation to pinreel_app;
