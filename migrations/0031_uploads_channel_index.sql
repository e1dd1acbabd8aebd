-- A channel's uploads, newest first: `where channel = $1 order by created_ms desc, id desc limit $2`.
create index upload_of_channel on upload (channel, created_ms desc, id desc);
