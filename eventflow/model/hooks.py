"""Event sources that others call over HTTP. Source: Argo Events 6478ece eventsource_types.go, webhook_context.go."""

from pydantic import Field

from eventflow.model.eventcommon import Credentials, GithubApp, PrefixSuffix, Tls
from eventflow.model.extensions import WebhookExtension, WebhookKeyExtension
from eventflow.model.fields import AnyText, Flag, Object, Text, TextMap, Texts, Whole
from eventflow.model.kubernetes import KeySelector


class Filter(Object):
    """An expr-lang expression over the data; events for which it is false are dropped at the source."""

    expression: Text = None


class WebhookContext(WebhookExtension):
    """Where a source listens, and what it takes."""

    endpoint: Text = None
    method: Text = None
    port: AnyText | None = None
    url: Text = None
    server_cert_secret: KeySelector | None = None
    server_key_secret: KeySelector | None = None
    metadata: TextMap = None
    auth_secret: KeySelector | None = None
    max_payload_size: Whole = None


class Webhook(WebhookContext, WebhookKeyExtension):
    """Any HTTP request."""

    filter: Filter | None = None


class Hooked(Object):
    """What the sources for one kind of sender share."""

    webhook: WebhookContext | None = None
    metadata: TextMap = None
    filter: Filter | None = None


class OwnedRepositories(Object):
    """Repositories of one owner."""

    owner: Text = None
    names: Texts = None


class Github(Hooked):
    """GitHub, also GitHub-shaped senders such as Gitea."""

    id: Whole = None
    owner: Text = None
    repository: Text = None
    repositories: list[OwnedRepositories] | None = None
    organizations: Texts = None
    events: Texts = None
    api_token: KeySelector | None = None
    github_app: GithubApp | None = None
    webhook_secret: KeySelector | None = None
    insecure: Flag = None
    active: Flag = None
    content_type: Text = None
    github_base_url: Text = Field(None, alias="githubBaseURL")
    github_upload_url: Text = Field(None, alias="githubUploadURL")
    delete_hook_on_finish: Flag = None


class Gitlab(Hooked):
    """GitLab."""

    project_id: Text = Field(None, alias="projectID")
    projects: Texts = None
    groups: Texts = None
    events: Texts = None
    access_token: KeySelector | None = None
    secret_token: KeySelector | None = None
    enable_ssl_verification: Flag = Field(None, alias="enableSSLVerification")
    gitlab_base_url: Text = Field(None, alias="gitlabBaseURL")
    delete_hook_on_finish: Flag = None


class BitbucketAuth(Object):
    """How the API of Bitbucket is asked."""

    basic: Credentials | None = None
    oauth_token: KeySelector | None = None


class BitbucketRepository(Object):
    """A repository of Bitbucket Cloud."""

    owner: str
    repository_slug: str


class Bitbucket(Hooked):
    """Bitbucket Cloud."""

    auth: BitbucketAuth | None = None
    events: Texts = None
    owner: Text = None
    project_key: Text = None
    repository_slug: Text = None
    repositories: list[BitbucketRepository] | None = None
    delete_hook_on_finish: Flag = None


class BitbucketServerRepository(Object):
    """A repository of Bitbucket Server."""

    project_key: str
    repository_slug: str


class BitbucketServer(Hooked):
    """Bitbucket Server."""

    project_key: Text = None
    repository_slug: Text = None
    projects: Texts = None
    repositories: list[BitbucketServerRepository] | None = None
    events: Texts = None
    skip_branch_refs_changed_on_open_pr: Flag = Field(None, alias="skipBranchRefsChangedOnOpenPR")
    one_event_per_change: Flag = None
    access_token: KeySelector | None = None
    webhook_secret: KeySelector | None = None
    bitbucketserver_base_url: Text = Field(None, alias="bitbucketserverBaseURL")
    delete_hook_on_finish: Flag = None
    tls: Tls | None = None
    check_interval: Text = None


class Sns(Hooked):
    """Amazon SNS."""

    topic_arn: Text = None
    access_key: KeySelector | None = None
    secret_key: KeySelector | None = None
    region: Text = None
    role_arn: Text = Field(None, alias="roleARN")
    validate_signature: Flag = None
    endpoint: Text = None


class Slack(Hooked):
    """Slack's events, interactions and slash commands."""

    signing_secret: KeySelector | None = None
    token: KeySelector | None = None


class Stripe(Object):
    """Stripe."""

    webhook: WebhookContext | None = None
    metadata: TextMap = None
    create_webhook: Flag = None
    api_key: KeySelector | None = None
    event_filter: Texts = None


class StorageGrid(Object):
    """NetApp StorageGRID."""

    webhook: WebhookContext | None = None
    events: Texts = None
    filter: PrefixSuffix | None = None
    topic_arn: Text = None
    bucket: Text = None
    region: Text = None
    auth_token: KeySelector | None = None
    api_url: Text = Field(None, alias="apiURL")
    metadata: TextMap = None
    tls: Tls | None = None


class Gerrit(Hooked):
    """Gerrit."""

    hook_name: Text = None
    events: Texts = None
    auth: Credentials | None = None
    gerrit_base_url: Text = Field(None, alias="gerritBaseURL")
    delete_hook_on_finish: Flag = None
    projects: Texts = None
    ssl_verify: Flag = None
    max_tries: Whole = None
