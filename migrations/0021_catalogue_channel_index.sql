-- A channel's publications, newest first: `where channel = $1 and index < $2 order by index desc limit $3`.
create index publication_of_channel on publication (channel, index desc);
