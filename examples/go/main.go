// Looks into a model from Go, with no generated code: the server itself says what it serves.
//
//	go run . [HOST:PORT] [PROMPT]
//
// examples/stubs/go has the same with structs made from the files under proto.
package main

import (
	"context"
	"fmt"
	"log"
	"math"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/dynamicpb"
)

func main() {
	address, prompt := "127.0.0.1:8080", "The capital of Texas is"
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	if len(os.Args) > 2 {
		prompt = os.Args[2]
	}
	if err := look(address, prompt); err != nil {
		log.Fatal(err)
	}
}

func look(address, prompt string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	inference, err := reflectService(ctx, conn, "loupe.inference.v1.InferenceService")
	if err != nil {
		return err
	}

	models, err := inference.call(ctx, "ListModels", `{}`)
	if err != nil {
		return err
	}
	model := field(list(models, "models")[0].Message(), "name").String()
	fmt.Println("model:", model)

	// One pass: the likeliest next tokens.
	pass, err := inference.call(ctx, "RunForwardPass",
		fmt.Sprintf(`{"model": %q, "prompts": [{"text": %q}], "top_k": 5}`, model, prompt))
	if err != nil {
		return err
	}
	row := list(pass, "rows")[0].Message()
	for _, score := range list(list(row, "predictions")[0].Message(), "top") {
		fmt.Printf("  %-16q %6.2f%%\n",
			field(score.Message(), "token").String(), 100*field(score.Message(), "probability").Float())
	}

	// A stream: a continuation, token by token.
	fmt.Print("continued: ", prompt)
	err = inference.stream(ctx, "GenerateText",
		fmt.Sprintf(`{"model": %q, "prompts": [{"text": %q}], "max_new_tokens": 12}`, model, prompt),
		func(step *dynamicpb.Message) { fmt.Print(field(step, "text").String()) })
	fmt.Println()
	if err != nil {
		return err
	}
	return sweep(ctx, conn, model)
}

// sweep streams the cells of a patching sweep: which head carries the answer from the clean prompt to the corrupt one.
func sweep(ctx context.Context, conn *grpc.ClientConn, model string) error {
	patching, err := reflectService(ctx, conn, "loupe.inference.v1.PatchingService")
	if err != nil {
		return err
	}
	cells, highest, where := 0, math.Inf(-1), ""
	err = patching.stream(ctx, "SweepPatches", fmt.Sprintf(`{
		"model": %q, "clean": {"text": "The capital of Texas is"}, "corrupt": {"text": "The capital of Ohio is"},
		"metric": {"loss": {}}, "activation": "PATCHED_ACTIVATION_HEAD_Z", "spread": "PATCH_SPREAD_BY_POSITION"}`, model),
		func(message *dynamicpb.Message) {
			for _, cell := range list(field(message, "cells").Message(), "cells") {
				cells++
				if metric := field(cell.Message(), "metric").Float(); metric > highest {
					highest = metric
					where = fmt.Sprintf("layer %d, head %d, position %d", field(cell.Message(), "layer").Int(),
						field(cell.Message(), "head").Int(), field(cell.Message(), "position").Int())
				}
			}
		})
	fmt.Printf("swept %d cells; the highest loss, %.3f, at %s\n", cells, highest, where)
	return err
}
