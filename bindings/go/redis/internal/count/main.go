// Command count charges a meter so many times, and says how often it was granted: URL KEY TOKEN AUDIENCE METER TIMES.
// It says `ready` first, and waits for a line.
package main

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"os"
	"strconv"
	"time"

	licentia "github.com/licentia/licentia/bindings/go"
	"github.com/licentia/licentia/bindings/go/redis"
)

func main() {
	if len(os.Args) != 7 {
		log.Fatal("count URL KEY TOKEN AUDIENCE METER TIMES")
	}
	url, key, token, audience, meter := os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5]
	times, err := strconv.Atoi(os.Args[6])
	if err != nil {
		log.Fatal(err)
	}
	store, err := redis.Open(url + "?read_timeout=20s")
	if err != nil {
		log.Fatal(err)
	}
	gate, err := licentia.NewGate([]string{key}, licentia.WithStore(store), licentia.WithStoreTimeout(20*time.Second), licentia.WithAudience(audience))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("ready")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	granted := 0
	for range times {
		decision, err := gate.Check(context.Background(), token, licentia.Request{Meters: []licentia.Cost{{Name: meter, Units: 1}}})
		if err != nil {
			log.Fatal(err)
		}
		if decision.Allowed {
			granted++
		}
	}
	if err := gate.Close(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(granted)
}
