//! Who may found a channel here. Called in the transaction that takes a genesis into the log.

use pinreel_records::ChannelId;
use sqlx::PgConnection;

use super::model::{Registration, Token};
use super::store;
use crate::app::App;

#[derive(Debug, thiserror::Error)]
pub enum AdmitError {
    #[error("A new channel on this node needs an invitation; ask its operator for one.")]
    InvitationNeeded,
    #[error("This invitation was used, has expired, or isn't one of this node's; ask its operator for a new one.")]
    InvitationUsed,
    #[error("This node takes no new channels; publish on another one.")]
    Closed,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Admits a channel whose genesis is about to be logged, and uses its invitation up. The one-time link of a node that
/// has no operator yet is an invitation as well, and isn't used up by that: who opens it needs a channel first.
pub async fn admit(
    app: &App,
    connection: &mut PgConnection,
    channel: ChannelId,
    invitation: Option<&str>,
) -> Result<(), AdmitError> {
    let token = invitation.and_then(Token::parse).map(|token| token.hash());
    if let Some(token) = token
        && store::is_link(connection, token).await?
    {
        return Ok(());
    }
    match mode(app, connection).await? {
        Registration::Open => Ok(()),
        Registration::Closed => Err(AdmitError::Closed),
        Registration::Invitation if invitation.is_none() => Err(AdmitError::InvitationNeeded),
        Registration::Invitation => {
            let used = match token {
                Some(token) => store::use_invitation(connection, token, channel, app.clock.now_ms()).await?,
                None => false,
            };
            if used { Ok(()) } else { Err(AdmitError::InvitationUsed) }
        }
    }
}

/// The operator's choice, else what the node was started with, else open on loopback only.
pub async fn mode(app: &App, connection: &mut PgConnection) -> sqlx::Result<Registration> {
    let chosen = store::registration(connection).await?;
    let by_address = if app.site.is_loopback() { Registration::Open } else { Registration::Invitation };
    Ok(chosen.or(app.config.registration).unwrap_or(by_address))
}
