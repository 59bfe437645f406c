"""Artifacts and where they are kept. Source: Argo v4.1.2 pkg/apis/workflow/v1alpha1/workflow_types.go."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from eventflow.model.fields import Flag, Object, Text, TextMap, Texts, Whole, choice
from eventflow.model.kubernetes import KeySelector


class TarArchive(Object):
    """tar, gzipped by default."""

    compression_level: Whole = None


class Archive(Object):
    """How an artifact is packed; tar if nothing is said."""

    tar: TarArchive | None = None
    none: dict[str, Any] | None = None
    zip: dict[str, Any] | None = None


class Metadata(Object):
    """Labels and annotations of a pod."""

    labels: TextMap = None
    annotations: TextMap = None


class ArtifactGC(Object):
    """When an artifact is deleted."""

    strategy: Annotated[str, AfterValidator(choice("OnWorkflowCompletion", "OnWorkflowDeletion", "Never"))] | None = (
        None
    )
    pod_metadata: Metadata | None = None
    service_account_name: Text = None


class S3Encryption(Object):
    """Server-side encryption."""

    kms_key_id: Text = None
    kms_encryption_context: Text = None
    enable_encryption: Flag = None
    server_side_customer_key_secret: KeySelector | None = None


class CreateBucket(Object):
    """How a missing bucket is made."""

    object_locking: Flag = None


class S3(Object):
    """An object in S3; what is absent comes from the artifact repository."""

    key: Text = None
    endpoint: Text = None
    bucket: Text = None
    region: Text = None
    insecure: Flag = None
    access_key_secret: KeySelector | None = None
    secret_key_secret: KeySelector | None = None
    session_token_secret: KeySelector | None = None
    role_arn: Text = Field(None, alias="roleARN")
    use_sdk_creds: Flag = Field(None, alias="useSDKCreds")
    create_bucket_if_not_present: CreateBucket | None = None
    encryption_options: S3Encryption | None = None
    ca_secret: KeySelector | None = None
    addressing_style: Text = None


class Git(Object):
    """A clone of a repository."""

    repo: str
    revision: Text = None
    depth: Whole = None
    fetch: Texts = None
    username_secret: KeySelector | None = None
    password_secret: KeySelector | None = None
    ssh_private_key_secret: KeySelector | None = None
    insecure_ignore_host_key: Flag = None
    disable_submodules: Flag = None
    single_branch: Flag = None
    branch: Text = None
    insecure_skip_tls: Flag = Field(None, alias="insecureSkipTLS")


class Credentials(Object):
    """User name and password from Secrets."""

    username_secret: KeySelector | None = None
    password_secret: KeySelector | None = None


class Artifactory(Credentials):
    """A file in Artifactory."""

    url: str


class HttpHeader(Object):
    """A header of a request."""

    name: str
    value: str


class ClientCertificate(Object):
    """A TLS client certificate."""

    client_cert_secret: KeySelector | None = None
    client_key_secret: KeySelector | None = None


class OAuth2Parameter(Object):
    """A parameter of the token request."""

    key: str
    value: Text = None


class OAuth2(Object):
    """Client credentials."""

    client_id_secret: KeySelector | None = Field(None, alias="clientIDSecret")
    client_secret_secret: KeySelector | None = None
    token_url_secret: KeySelector | None = Field(None, alias="tokenURLSecret")
    scopes: Texts = None
    endpoint_params: list[OAuth2Parameter] | None = None


class HttpAuth(Object):
    """How a request proves who sends it."""

    client_cert: ClientCertificate | None = None
    oauth2: OAuth2 | None = None
    basic_auth: Credentials | None = None


class Http(Object):
    """A file that HTTP serves and takes."""

    url: str
    headers: list[HttpHeader] | None = None
    auth: HttpAuth | None = None
    save_stream_via_file: Flag = None


class Hdfs(Object):
    """A file in HDFS."""

    path: str
    force: Flag = None
    addresses: Texts = None
    hdfs_user: Text = None
    data_transfer_protection: Text = None
    krb_c_cache_secret: KeySelector | None = None
    krb_keytab_secret: KeySelector | None = None
    krb_username: Text = None
    krb_realm: Text = None
    krb_config_config_map: KeySelector | None = None
    krb_service_principal_name: Text = None


class Raw(Object):
    """Content written in the manifest."""

    data: str


class OssLifecycle(Object):
    """When an object in OSS is moved and deleted."""

    mark_infrequent_access_after_days: Whole = None
    mark_deletion_after_days: Whole = None


class Oss(Object):
    """An object in Alibaba OSS."""

    key: Text = None
    endpoint: Text = None
    bucket: Text = None
    access_key_secret: KeySelector | None = None
    secret_key_secret: KeySelector | None = None
    create_bucket_if_not_present: Flag = None
    security_token: Text = None
    lifecycle_rule: OssLifecycle | None = None
    use_sdk_creds: Flag = Field(None, alias="useSDKCreds")


class Gcs(Object):
    """An object in Google Cloud Storage."""

    key: Text = None
    bucket: Text = None
    service_account_key_secret: KeySelector | None = None


class Azure(Object):
    """A blob in Azure."""

    blob: Text = None
    endpoint: Text = None
    container: Text = None
    account_key_secret: KeySelector | None = None
    use_sdk_creds: Flag = Field(None, alias="useSDKCreds")


class PluginLocation(Object):
    """An artifact that a driver plug-in keeps."""

    name: Text = None
    configuration: Text = None
    connection_timeout_seconds: Whole = None
    key: Text = None


class Location(Object):
    """Where an artifact is kept: at most one of the kinds."""

    archive_logs: Flag = None
    s3: S3 | None = None
    git: Git | None = None
    http: Http | None = None
    artifactory: Artifactory | None = None
    hdfs: Hdfs | None = None
    raw: Raw | None = None
    oss: Oss | None = None
    gcs: Gcs | None = None
    azure: Azure | None = None
    plugin: PluginLocation | None = None


class Artifact(Location):
    """A file or directory that goes into or comes out of a template."""

    name: str
    path: Text = None
    mode: Whole = None
    from_: Text = Field(None, alias="from")
    from_expression: Text = None
    global_name: Text = None
    archive: Archive | None = None
    optional: Flag = None
    sub_path: Text = None
    recurse_mode: Flag = None
    artifact_gc: ArtifactGC | None = Field(None, alias="artifactGC")
    deleted: Flag = None
