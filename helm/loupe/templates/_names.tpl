{{/* Start of every name. */}}
{{- define "loupe.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What selects the pods of a component: (list $ "component"). Never changes after the first install. */}}
{{- define "loupe.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ $root.Chart.Name }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* Labels of everything of a component: (list $ "component"). */}}
{{- define "loupe.labels" -}}
{{- $root := index . 0 -}}
{{ include "loupe.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ $root.Chart.Name }}-{{ $root.Chart.Version }}
{{- end -}}

{{/* A target that follows a Service's pods: (list $ "component"). */}}
{{- define "loupe.target" -}}
{{- printf "loupe-k8s:///%s-%s:grpc" (include "loupe.name" (index . 0)) (index . 1) -}}
{{- end -}}
