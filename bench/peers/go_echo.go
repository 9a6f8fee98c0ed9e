// An echo server as Go users write it: a goroutine for each connection; one processor. go-echo PORT
package main

import (
	"fmt"
	"net"
	"os"
	"runtime"
)

const bufferSize = 64 * 1024

func serve(connection net.Conn) {
	defer connection.Close()
	// Not io.Copy: between two sockets it splices through a pipe, which is made for large transfers and costs small
	// messages two system calls more.
	buffer := make([]byte, bufferSize)
	for {
		size, err := connection.Read(buffer)
		if size > 0 {
			if _, failure := connection.Write(buffer[:size]); failure != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "go-echo PORT")
		os.Exit(64)
	}
	runtime.GOMAXPROCS(1)
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("ready", runtime.Version())
	for {
		connection, err := listener.Accept()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			continue
		}
		go serve(connection)
	}
}
