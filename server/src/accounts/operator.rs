//! How a node gets its first operator: by a link that is told once at each start until somebody opens it.

use super::model::Token;
use super::store;
use crate::accounts::error::AccountsError;
use crate::app::App;

/// The link to tell the person who started this node; `None` once there is an operator. Earlier links end.
pub async fn offer_link(app: &App) -> Result<Option<String>, AccountsError> {
    let mut connection = app.database.acquire().await?;
    if store::has_operator(&mut connection).await? {
        return Ok(None);
    }
    let token = Token::random()?;
    store::set_link(&mut connection, token.hash()).await?;
    Ok(Some(app.site.link(&format!("/operator?token={}", token.reveal()))))
}
