//! The HTTP listener: `/metrics` for Prometheus, `/healthz` (the process lives) and `/readyz` (it can permit).

mod metrics;

use std::{future::Future, io, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::net::TcpListener;

pub use metrics::Metrics;

use crate::service::Live;

/// The content type of OpenMetrics text.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Serves until `stop` resolves. `listener` is already bound, so that a taken port is told at the start.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    live: Arc<Live>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let routes = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics_text))
        .with_state(live);
    axum::serve(listener, routes).with_graceful_shutdown(stop).await
}

async fn readyz(State(live): State<Arc<Live>>) -> Response {
    let warnings = live.obstacles();
    if warnings.is_empty() {
        return "ready\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, warnings.join("\n") + "\n").into_response()
}

async fn metrics_text(State(live): State<Arc<Live>>) -> Response {
    live.metrics.observe(&live);
    match live.metrics.encode() {
        Ok(text) => ([(header::CONTENT_TYPE, OPENMETRICS)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
