//! The server the others are measured against: tokio with no JavaScript at all, on one thread, as a Rust user would
//! write it. `--work echo,lines,accept` opens one port for each; the control protocol is the one of `bench/servers`:
//! a JSON line with the ports on standard output, and the end of standard input ends the process.

#![forbid(unsafe_code)]

use std::io;
use std::process::ExitCode;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[derive(Clone, Copy)]
enum Work {
    Echo,
    Lines,
    Accept,
}

fn main() -> ExitCode {
    let works = match parse(std::env::args().skip(1)) {
        Ok(works) => works,
        Err(message) => {
            eprintln!("structio-tokio-peer: {message}");
            return ExitCode::from(2);
        }
    };
    std::thread::spawn(exit_with_standard_input);
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .and_then(|runtime| runtime.block_on(serve(works)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("structio-tokio-peer: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Vec<(String, Work)>, String> {
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("--work"), Some(list)) => list
            .split(',')
            .map(|name| {
                let work = match name {
                    "echo" => Work::Echo,
                    "lines" => Work::Lines,
                    "accept" => Work::Accept,
                    _ => return Err(format!("unknown work {name}")),
                };
                Ok((name.to_owned(), work))
            })
            .collect(),
        _ => Err("usage: structio-tokio-peer --work echo,lines,accept".into()),
    }
}

/// Nobody left to stop us means stop. The end of the input and "stop" are the same thing here.
fn exit_with_standard_input() {
    let _ = io::stdin().read_line(&mut String::new());
    std::process::exit(0);
}

async fn serve(works: Vec<(String, Work)>) -> io::Result<()> {
    let mut ports = Vec::new();
    for (name, work) in works {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        ports.push(format!("\"{name}\":{}", listener.local_addr()?.port()));
        tokio::spawn(accept_all(listener, work));
    }
    println!(
        "{{\"event\":\"listening\",\"pid\":{},\"ports\":{{{}}}}}",
        std::process::id(),
        ports.join(",")
    );
    std::future::pending().await
}

async fn accept_all(listener: TcpListener, work: Work) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        match work {
            Work::Echo => {
                tokio::spawn(echo(stream));
            }
            Work::Lines => {
                tokio::spawn(lines(stream));
            }
            Work::Accept => drop(stream),
        }
    }
}

async fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..count]).await?;
    }
}

/// Every complete line at hand, looked at one by one, answered with one write.
async fn lines(mut stream: TcpStream) -> io::Result<()> {
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
        replies.clear();
    }
}
