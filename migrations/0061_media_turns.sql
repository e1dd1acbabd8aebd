-- When a channel last had its turn: of channels that wait alike, the one whose turn was longest ago is next.
create table media_turn (
    channel text primary key,
    leased_ms bigint not null
);

grant select, insert, update on media_turn to pinreel_app;
