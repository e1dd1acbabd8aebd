//! The table of contents of everything that runs beside requests. Features bring their own tasks.

use crate::accounts;
use crate::app::App;
use crate::claims;
use crate::companions;
use crate::denylist;
use crate::{gateway, media, pinning, retention, signals, socket, uploads};

/// Starts every background task; each ends when `app.tasks.stop` is cancelled.
pub fn start(app: &App) {
    socket::start(app);
    uploads::start(app);
    accounts::start(app);
    claims::start(app);
    denylist::start(app);
    gateway::start(app);
    app.tasks.spawn(signals::run(app.clone()));
    media::start(app);
    companions::start(app);
    pinning::start(app);
    retention::start(app);
}
