// Go's net package, a goroutine for each connection.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"os"
	"strings"
)

func echo(conn net.Conn) {
	defer conn.Close()
	buffer := make([]byte, 16*1024)
	for {
		length, err := conn.Read(buffer)
		if err != nil {
			return
		}
		if _, err := conn.Write(buffer[:length]); err != nil {
			return
		}
	}
}

func closeAtOnce(conn net.Conn) {
	conn.Close()
}

var table = map[string]func(net.Conn){"echo": echo, "accept": closeAtOnce}

// Go sets TCP_NODELAY by itself.
func acceptAll(listener net.Listener, handler func(net.Conn)) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go handler(conn)
	}
}

func main() {
	if len(os.Args) != 3 || os.Args[1] != "--work" {
		log.Fatal("usage: go_net --work echo,accept")
	}
	ports := map[string]int{}
	for _, name := range strings.Split(os.Args[2], ",") {
		handler, known := table[name]
		if !known {
			log.Fatalf("unknown work %s", name)
		}
		listener, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			log.Fatal(err)
		}
		ports[name] = listener.Addr().(*net.TCPAddr).Port
		go acceptAll(listener, handler)
	}
	line, _ := json.Marshal(map[string]any{"event": "listening", "pid": os.Getpid(), "ports": ports})
	fmt.Println(string(line))
	// "stop" and the end of the input are the same thing here.
	bufio.NewReader(os.Stdin).ReadString('\n')
}
