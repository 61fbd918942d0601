use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use tonic::{
    Status,
    body::Body,
    codegen::{Service, http},
    server::NamedService,
};

/// A service whose calls are carried out once they have begun, also when whoever called goes away or has waited long
/// enough: what is recorded on the way would else be so in the log and not in force.
#[derive(Debug, Clone)]
pub struct ToTheEnd<S>(pub S);

impl<S, B> Service<http::Request<B>> for ToTheEnd<S>
where
    S: Service<http::Request<B>, Response = http::Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let begun = tokio::spawn(self.0.call(request));
        Box::pin(async move {
            begun.await.unwrap_or_else(|error| {
                tracing::error!(%error, "a call was not carried out to its end");
                Ok(Status::internal("the call was not carried out to its end: see the daemon's log")
                    .into_http())
            })
        })
    }
}

impl<S: NamedService> NamedService for ToTheEnd<S> {
    const NAME: &'static str = S::NAME;
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering},
        },
    };

    use tokio::sync::Notify;
    use tonic::{
        body::Body,
        codegen::{Service as _, http},
    };
    use tower::service_fn;

    use super::ToTheEnd;

    #[tokio::test]
    async fn what_has_begun_is_carried_out_though_nobody_waits() {
        let (go_on, done) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
        let notes = (Arc::clone(&go_on), Arc::clone(&done));
        let mut service = ToTheEnd(service_fn(move |_: http::Request<Body>| {
            let (go_on, done) = notes.clone();
            async move {
                go_on.notified().await;
                done.store(true, Ordering::Relaxed);
                Ok::<_, Infallible>(http::Response::new(Body::empty()))
            }
        }));
        drop(service.call(http::Request::new(Body::empty())));
        go_on.notify_one();
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
        assert!(done.load(Ordering::Relaxed));
    }

    #[tokio::test]
    async fn a_call_that_panics_is_an_error_and_no_silence() {
        let mut service = ToTheEnd(service_fn(async |_: http::Request<Body>| -> Result<_, Infallible> {
            panic!("on purpose");
        }));
        let answer = service.call(http::Request::new(Body::empty())).await.unwrap();
        assert_eq!(answer.headers().get("grpc-status").unwrap(), "13");
    }
}
