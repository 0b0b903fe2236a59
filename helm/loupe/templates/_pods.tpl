{{/* What all pods have: (list $ "component" values). */}}
{{- define "loupe.pod" -}}
{{- $root := index . 0 -}}
{{- $values := index . 2 -}}
terminationGracePeriodSeconds: {{ $root.Values.terminationGracePeriodSeconds }}
# Variables such as LOUPE_PORT=tcp://..., which Kubernetes would set for Services, are not options.
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile:
    type: RuntimeDefault
{{- with $root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* What all containers have but arguments, environment, resources and volumes: (list $ "main class" port metricsPort startupSeconds). */}}
{{- define "loupe.container" -}}
{{- $root := index . 0 -}}
image: "{{ $root.Values.image.repository }}:{{ $root.Values.image.tag | default $root.Chart.AppVersion }}"
imagePullPolicy: {{ $root.Values.image.pullPolicy }}
command:
  - java
  {{- range $root.Values.javaOptions }}
  - {{ . | quote }}
  {{- end }}
  - -cp
  - /opt/loupe/lib/*
  - {{ index . 1 }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
ports:
  - name: grpc
    containerPort: {{ index . 2 }}
  - name: metrics
    containerPort: {{ index . 3 }}
startupProbe:
  {{- include "loupe.probe" (list . "liveness") | nindent 2 }}
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: {{ div (index . 4) 5 }}
readinessProbe:
  {{- include "loupe.probe" (list . "") | nindent 2 }}
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: 2
livenessProbe:
  {{- include "loupe.probe" (list . "liveness") | nindent 2 }}
  periodSeconds: 20
  timeoutSeconds: 10
  failureThreshold: 6
{{- end -}}

{{/* The gateway's key: how a program is told of it, where it is mounted, and where it comes from. */}}
{{- define "loupe.gatewayKey.args" -}}
{{- if .Values.gatewayKeySecret.name }}
- --gateway-key-file=/etc/loupe/gateway/{{ .Values.gatewayKeySecret.key }}
{{- end }}
{{- end -}}

{{- define "loupe.gatewayKey.mount" -}}
{{- if .Values.gatewayKeySecret.name }}
- name: gateway-key
  mountPath: /etc/loupe/gateway
  readOnly: true
{{- end }}
{{- end -}}

{{- define "loupe.gatewayKey.volume" -}}
{{- if .Values.gatewayKeySecret.name }}
- name: gateway-key
  secret:
    secretName: {{ .Values.gatewayKeySecret.name }}
{{- end }}
{{- end -}}

{{/* How a container is asked whether it is well: (list (what loupe.container got) "health service"). */}}
{{- define "loupe.probe" -}}
{{- $container := index . 0 -}}
{{- $root := index $container 0 -}}
{{- if and $root.Values.tls.secret (ne (index $container 2) 8080) -}}
# Kubernetes asks over gRPC only without TLS.
httpGet:
  path: /healthz
  port: metrics
{{- else -}}
grpc:
  port: {{ index $container 2 }}
  {{- with index . 1 }}
  service: {{ . }}
  {{- end }}
{{- end -}}
{{- end -}}

{{/* What the engine reads from the environment, as the loupe script sets it. */}}
{{- define "loupe.engine" -}}
# Idle engine threads sleep soon instead of using up the container's share of the processor.
- name: OMP_WAIT_POLICY
  value: PASSIVE
- name: GOMP_SPINCOUNT
  value: "30000"
# What a pass frees stays with the process.
- name: MALLOC_ARENA_MAX
  value: "1"
- name: MALLOC_MMAP_THRESHOLD_
  value: "1073741824"
- name: MALLOC_TRIM_THRESHOLD_
  value: "4294967296"
# Shapes of products that stay prepared.
- name: LRU_CACHE_CAPACITY
  value: "128"
- name: ONEDNN_PRIMITIVE_CACHE_CAPACITY
  value: "64"
{{- end -}}

{{/* Options that all services have: (list $ port metricsPort). */}}
{{- define "loupe.args" -}}
{{- $root := index . 0 -}}
- --host=0.0.0.0
- --port={{ index . 1 }}
- --metrics-port={{ index . 2 }}
- --drain-seconds={{ $root.Values.drainSeconds }}
- --log-level={{ $root.Values.logLevel }}
{{- end -}}

{{/* A claim: (list $ "component" "name" volume accessMode). */}}
{{- define "loupe.claim" -}}
{{- $root := index . 0 -}}
{{- $volume := index . 3 -}}
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {{ include "loupe.name" $root }}-{{ index . 2 }}
  labels:
    {{- include "loupe.labels" (list $root (index . 1)) | nindent 4 }}
  annotations:
    # What was trained or downloaded outlives the release.
    helm.sh/resource-policy: keep
spec:
  accessModes: [{{ index . 4 }}]
  {{- with $volume.storageClass }}
  storageClassName: {{ . }}
  {{- end }}
  resources:
    requests:
      storage: {{ $volume.size }}
{{- end -}}
