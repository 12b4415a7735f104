//! The server that the others are compared with: tokio without JavaScript, on one thread, as a Rust user would write
//! it.
//!
//! `--work echo,lines,accept` opens one port for each. `--certificates FOLDER` puts them under TLS (tokio-rustls).
//! The control protocol is that of `bench/servers`: a JSON line with the ports on standard output; the end of
//! standard input ends the process.

#![forbid(unsafe_code)]

use std::error::Error;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{DEFAULT_VERSIONS, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

#[derive(Clone, Copy)]
enum Work {
    Echo,
    Lines,
    Accept,
    /// Echoes one byte, then ends in order.
    Handshake,
}

struct Arguments {
    works: Vec<(String, Work)>,
    tls: Option<TlsAcceptor>,
}

fn main() -> ExitCode {
    let arguments = match parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(message) => {
            eprintln!("structio-tokio-peer: {message}");
            return ExitCode::from(2);
        }
    };
    std::thread::spawn(exit_with_standard_input);
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .and_then(|runtime| runtime.block_on(serve(arguments)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("structio-tokio-peer: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Arguments, Box<dyn Error>> {
    let mut works = Vec::new();
    let mut tls = None;
    while let Some(flag) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{flag} needs a value"))?;
        match flag.as_str() {
            "--work" => works = value.split(',').map(work).collect::<Result<_, _>>()?,
            "--certificates" => tls = Some(acceptor(Path::new(&value))?),
            _ => {
                return Err(
                    "usage: structio-tokio-peer --work echo,lines,accept [--certificates FOLDER]".into(),
                );
            }
        }
    }
    Ok(Arguments { works, tls })
}

fn work(name: &str) -> Result<(String, Work), String> {
    let work = match name {
        "echo" => Work::Echo,
        "lines" => Work::Lines,
        "accept" => Work::Accept,
        "handshake" => Work::Handshake,
        _ => return Err(format!("unknown work {name}")),
    };
    Ok((name.to_owned(), work))
}

/// The defaults of rustls, with tickets that need no store.
fn acceptor(folder: &Path) -> Result<TlsAcceptor, Box<dyn Error>> {
    let certificates =
        CertificateDer::pem_file_iter(folder.join("certificate.pem"))?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(folder.join("key.pem"))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(DEFAULT_VERSIONS)?
        .with_no_client_auth()
        .with_single_cert(certificates, key)?;
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Ends the process at the end of the input: the controlling process has ended, or wants this one to.
fn exit_with_standard_input() {
    let _ = io::stdin().read_line(&mut String::new());
    std::process::exit(0);
}

async fn serve(Arguments { works, tls }: Arguments) -> io::Result<()> {
    let mut ports = Vec::new();
    for (name, work) in works {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        ports.push(format!("\"{name}\":{}", listener.local_addr()?.port()));
        tokio::spawn(accept_all(listener, work, tls.clone()));
    }
    println!(
        "{{\"event\":\"listening\",\"pid\":{},\"ports\":{{{}}}}}",
        std::process::id(),
        ports.join(",")
    );
    std::future::pending().await
}

async fn accept_all(listener: TcpListener, work: Work, tls: Option<TlsAcceptor>) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        match (work, &tls) {
            (Work::Accept, _) => drop(stream),
            (work, None) => {
                tokio::spawn(handle(stream, work));
            }
            (work, Some(tls)) => {
                let handshake = tls.accept(stream);
                tokio::spawn(async move { handle(handshake.await?, work).await });
            }
        }
    }
}

async fn handle(stream: impl AsyncRead + AsyncWrite + Unpin, work: Work) -> io::Result<()> {
    match work {
        Work::Echo => echo(stream).await,
        Work::Lines => lines(stream).await,
        Work::Handshake => answer(stream).await,
        Work::Accept => Ok(()),
    }
}

async fn echo(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return stream.shutdown().await;
        }
        stream.write_all(&buffer[..count]).await?;
        stream.flush().await?;
    }
}

/// Ends first, then waits for the client's end.
async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    let byte = stream.read_u8().await?;
    stream.write_u8(byte).await?;
    stream.shutdown().await?;
    while stream.read(&mut [0]).await? > 0 {}
    Ok(())
}

/// Answers all complete lines that have come with one write, looking at each of them.
async fn lines(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    let mut pending = Vec::with_capacity(64 * 1024);
    let mut replies = Vec::with_capacity(64 * 1024);
    loop {
        if stream.read_buf(&mut pending).await? == 0 {
            return Ok(());
        }
        let mut complete = 0;
        for line in pending.split_inclusive(|byte| *byte == b'\n') {
            if line.ends_with(b"\n") {
                replies.extend_from_slice(line);
                complete += line.len();
            }
        }
        pending.drain(..complete);
        stream.write_all(&replies).await?;
        stream.flush().await?;
        replies.clear();
    }
}
