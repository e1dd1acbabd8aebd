//! What claims and the catalogue ask of features that are being written beside them: each of these goes as soon as the
//! real one is there.

pub mod uploads {
    pub async fn owns_source(
        _connection: &mut sqlx::PgConnection,
        _channel: &str,
        _source: &str,
    ) -> sqlx::Result<bool> {
        Ok(false)
    }
}

pub mod media {
    use sqlx::{PgConnection, PgPool};

    #[derive(Clone, Debug)]
    pub struct Rung {
        pub height: Option<u32>,
        pub bandwidth: Option<u64>,
    }

    #[derive(Clone, Debug)]
    pub struct Rendition {
        pub source: String,
        pub root: String,
        pub rungs: Vec<Rung>,
    }

    #[derive(Clone, Debug, serde::Serialize, utoipa::ToSchema)]
    pub struct Job {}

    pub async fn source_published(_: &mut PgConnection, _: &str) -> sqlx::Result<()> {
        Ok(())
    }

    pub async fn rendition_for(_: &PgPool, _: &str) -> sqlx::Result<Option<Rendition>> {
        Ok(None)
    }

    pub async fn rendition_at(_: &PgPool, _: &str) -> sqlx::Result<Option<Rendition>> {
        Ok(None)
    }

    pub async fn job_for(_: &PgPool, _: &str) -> sqlx::Result<Option<Job>> {
        Ok(None)
    }
}

pub mod pinning {
    use crate::app::App;

    #[derive(Clone, Copy, Debug)]
    pub enum Role {
        Source,
    }

    #[derive(Clone, Debug, serde::Serialize, utoipa::ToSchema)]
    pub struct Pin {}

    pub async fn want(_: &mut sqlx::PgConnection, _: (&str, Role), _: &str, _: i64) -> sqlx::Result<()> {
        Ok(())
    }

    pub async fn pins_of(_: &App, _: &[String]) -> sqlx::Result<Vec<Pin>> {
        Ok(Vec::new())
    }
}
