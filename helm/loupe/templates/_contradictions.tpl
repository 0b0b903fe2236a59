{{/* Values that a schema accepts one by one but that cannot go together. */}}
{{- define "loupe.contradictions" -}}
{{- $store := .Values.featureStore -}}
{{- if and (gt (int $store.replicas) 1) (not $store.postgresql.urlSecret.name) -}}
{{- fail (printf "featureStore.replicas is %d, but SQLite is a file of one process: name a Secret with PostgreSQL's JDBC URL in featureStore.postgresql.urlSecret.name, or set featureStore.replicas to 1." (int $store.replicas)) -}}
{{- end -}}
{{- $cache := .Values.inference.cache -}}
{{- if and (gt (int .Values.inference.replicas) 1) $cache.enabled (eq $cache.accessMode "ReadWriteOnce") -}}
{{- fail (printf "inference.replicas is %d, but a ReadWriteOnce volume can be used on one node only: set inference.cache.accessMode to ReadWriteMany, or inference.cache.enabled to false." (int .Values.inference.replicas)) -}}
{{- end -}}
{{- if ge (int .Values.drainSeconds) (int .Values.terminationGracePeriodSeconds) -}}
{{- fail (printf "drainSeconds is %d, but Kubernetes ends pods after terminationGracePeriodSeconds, which is %d: give drainSeconds less than that." (int .Values.drainSeconds) (int .Values.terminationGracePeriodSeconds)) -}}
{{- end -}}
{{- range $name, $amounts := dict "requests" .Values.inference.resources.requests "limits" .Values.inference.resources.limits -}}
{{- if hasKey ($amounts | default dict) $.Values.inference.gpu.resource -}}
{{- fail (printf "inference.resources.%s has %s, which inference.gpu.count sets: remove it there." $name $.Values.inference.gpu.resource) -}}
{{- end -}}
{{- end -}}
{{- end -}}
