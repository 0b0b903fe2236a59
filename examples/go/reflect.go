package main

import (
	"context"
	"fmt"
	"io"

	"google.golang.org/grpc"
	reflection "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// A service is known by what the server says of it.
type service struct {
	conn       *grpc.ClientConn
	descriptor protoreflect.ServiceDescriptor
}

// reflectService asks the server for a service's file and all that it imports.
func reflectService(ctx context.Context, conn *grpc.ClientConn, name string) (*service, error) {
	call, err := reflection.NewServerReflectionClient(conn).ServerReflectionInfo(ctx)
	if err != nil {
		return nil, err
	}
	err = call.Send(&reflection.ServerReflectionRequest{
		MessageRequest: &reflection.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: name},
	})
	if err != nil {
		return nil, err
	}
	answer, err := call.Recv()
	if err != nil {
		return nil, err
	}
	set := &descriptorpb.FileDescriptorSet{}
	for _, raw := range answer.GetFileDescriptorResponse().GetFileDescriptorProto() {
		file := &descriptorpb.FileDescriptorProto{}
		if err := proto.Unmarshal(raw, file); err != nil {
			return nil, err
		}
		set.File = append(set.File, file)
	}
	files, err := protodesc.NewFiles(set)
	if err != nil {
		return nil, err
	}
	found, err := files.FindDescriptorByName(protoreflect.FullName(name))
	if err != nil {
		return nil, fmt.Errorf("the server does not serve %s: %w", name, err)
	}
	return &service{conn, found.(protoreflect.ServiceDescriptor)}, call.CloseSend()
}

func (s *service) method(name string) protoreflect.MethodDescriptor {
	return s.descriptor.Methods().ByName(protoreflect.Name(name))
}

func (s *service) path(method string) string {
	return fmt.Sprintf("/%s/%s", s.descriptor.FullName(), method)
}

// field reads a field by the name that it has in the .proto file.
func field(message protoreflect.Message, name string) protoreflect.Value {
	return message.Get(message.Descriptor().Fields().ByName(protoreflect.Name(name)))
}

// list reads a repeated field.
func list(message protoreflect.Message, name string) []protoreflect.Value {
	values := field(message, name).List()
	all := make([]protoreflect.Value, values.Len())
	for i := range all {
		all[i] = values.Get(i)
	}
	return all
}

// call makes a unary call with a request written in JSON.
func (s *service) call(ctx context.Context, method, request string) (*dynamicpb.Message, error) {
	m := s.method(method)
	in, out := dynamicpb.NewMessage(m.Input()), dynamicpb.NewMessage(m.Output())
	if err := protojson.Unmarshal([]byte(request), in); err != nil {
		return nil, err
	}
	return out, s.conn.Invoke(ctx, s.path(method), in, out)
}

// stream makes a call whose answer is streamed, and hands on each message.
func (s *service) stream(ctx context.Context, method, request string, each func(*dynamicpb.Message)) error {
	m := s.method(method)
	in := dynamicpb.NewMessage(m.Input())
	if err := protojson.Unmarshal([]byte(request), in); err != nil {
		return err
	}
	call, err := s.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, s.path(method))
	if err != nil {
		return err
	}
	if err := call.SendMsg(in); err != nil {
		return err
	}
	if err := call.CloseSend(); err != nil {
		return err
	}
	for {
		out := dynamicpb.NewMessage(m.Output())
		if err := call.RecvMsg(out); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		each(out)
	}
}
