-- Handles are never given to another channel, also after deletion, and neither is anything that looks like one: the
-- skeleton (UTS #39) is what confusable handles share. A channel may hold several that look alike, hence two tables.
create table handle_skeleton (
    skeleton text primary key,
    channel text not null references channel (id),
    unique (skeleton, channel)
);

create table handle (
    handle text primary key,
    skeleton text not null,
    channel text not null,
    foreign key (skeleton, channel) references handle_skeleton (skeleton, channel)
);

alter table channel add foreign key (handle) references handle (handle);

grant select, insert on handle_skeleton to pinreel_app;
grant select, insert on handle to pinreel_app;
