"""The hostile cases of the security reference that concern this package, and the test that holds each.

``guard``, ``fetch`` ... stand for ``tests/media/test_<name>.py``.
"""

from __future__ import annotations

_LINKS = "guard::test_a_hostile_link_is_refused_with_its_code"
_DNS = "fetch::test_one_refused_address_spoils_the_whole_answer"
_REDIRECT = "fetch::test_a_redirect_is_judged_like_the_first_link"
_REBOUND = "fetch::test_a_redirect_to_a_name_that_was_rebound_meanwhile_is_refused"
_NO_HTTP = "fetch::test_an_answer_that_is_no_http_is_a_clean_failure"
_TLS = "fetch::test_tls_is_verified_against_the_name_and_never_logged"
_NO_SOUND = "decode::test_a_hostile_file_yields_no_sound_even_past_the_sniffer"
_CAGE = "sandbox::test_every_way_out_is_closed_on_this_machine"
_ODD = "decode::test_an_odd_or_lying_header_ends_in_sound_or_a_clean_refusal"
_BROKEN = "decode::test_a_decoder_that_misbehaves_ends_in_a_named_failure"

#: Case -> tests.
HELD: dict[str, tuple[str, ...]] = {
    **{
        f"SSRF-{number:03d}": (_LINKS,)
        for number in (*range(1, 10), 11, 12, 14, 15, 16, 18, 19, 20, 21, *range(23, 35), 36)
    },
    "SSRF-037": ("guard::test_an_honest_link_passes_in_its_normal_form",),
    "DNS-001": (_DNS,),
    "DNS-002": (_DNS,),
    "DNS-003": (_DNS,),
    "DNS-004": ("fetch::test_a_name_that_is_rebound_between_two_requests_is_refused", _REBOUND),
    "DNS-005": ("hls/loading::test_a_name_that_turns_inside_between_playlist_and_segment_is_refused",),
    "DNS-007": (_DNS,),
    "DNS-009": ("fetch::test_a_resolver_that_never_answers_is_given_up",),
    "DNS-010": ("fetch::test_the_machines_resolver_says_what_does_not_exist",),
    "DNS-011": ("fetch::test_at_most_eight_addresses_of_an_answer_are_tried",),
    "DNS-012": ("fetch::test_a_name_of_the_hosts_file_gets_no_special_treatment",),
    "REDIRECT-001": (_REDIRECT,),
    "REDIRECT-002": (_REDIRECT,),
    "REDIRECT-003": (_REDIRECT,),
    "REDIRECT-004": (_REBOUND,),
    "REDIRECT-005": ("fetch::test_five_redirects_are_followed_and_a_sixth_is_not",),
    "REDIRECT-006": (_REDIRECT,),
    "REDIRECT-008": ("fetch::test_the_request_says_nothing_but_what_it_must",),
    "REDIRECT-010": (_REDIRECT, _NO_HTTP),
    "REDIRECT-011": (
        "../jobs/unencrypted::test_only_a_step_down_is_told",
        "../jobs/unencrypted::test_the_page_says_so_in_its_activity",
    ),
    "FETCH-001": ("fetch::test_a_compressed_answer_is_refused_unread",),
    "FETCH-002": (
        "fetch::test_an_announced_size_over_the_limit_is_refused_before_the_body",
        "fetch::test_an_endless_body_stops_at_the_limit",
    ),
    "FETCH-003": ("open::test_a_radio_that_was_submitted_as_a_file_is_refused",),
    "FETCH-004": ("fetch::test_f32_a_dripping_body_is_given_up_as_slow",),
    "FETCH-005": ("fetch::test_a_server_that_never_answers_is_given_up",),
    "FETCH-006": (_NO_HTTP, "fetch::test_endless_interim_answers_end_with_the_time"),
    "FETCH-007": (_TLS,),
    "FETCH-008": ("fetch::test_the_request_says_nothing_but_what_it_must",),
    "FETCH-009": (_TLS,),
    "FETCH-010": ("open::test_a_link_to_something_else_is_named_and_never_decoded",),
    "FETCH-011": ("fetch::test_a_first_generation_shoutcast_server_is_understood",),
    "FETCH-013": ("open::test_a_link_to_a_file_with_its_index_at_the_end_is_heard",),
    "FETCH-014": (_NO_HTTP,),
    "HLS-001": ("hls/reader_refusals::test_a_segment_on_the_inside_is_refused",),
    "HLS-002": ("hls/reader_refusals::test_a_segment_of_another_scheme_is_refused_and_gives_no_bytes",),
    "HLS-003": ("hls/reader_refusals::test_a_key_or_map_on_the_inside_is_refused",),
    "HLS-004": ("hls/reader_refusals::test_a_key_or_map_on_the_inside_is_refused",),
    "HLS-005": ("hls/reader_refusals::test_addresses_in_tags_that_are_not_ours_are_never_asked",),
    "HLS-007": ("hls/reader_refusals::test_a_master_that_leads_to_another_or_to_itself_stops_at_depth_two",),
    "HLS-008": (
        "hls/reader_refusals::test_a_huge_playlist_is_refused_before_it_is_read",
        "hls/playlist::test_playlists_beyond_the_limits_are_refused",
        "hls/playlist::test_playlists_at_and_beyond_the_limits_cost_little_memory",
    ),
    "HLS-009": ("hls/reader::test_reloads_never_come_faster_than_once_a_second",),
    "HLS-010": ("hls/reader::test_a_playlist_that_stops_changing_is_stalled_within_30_s_and_ended_at_the_limit",),
    "HLS-012": ("hls/playlist::test_impossible_ranges_are_refused",),
    "HLS-013": ("hls/reader_refusals::test_drm_is_said_at_once_and_not_tried_again",),
    "HLS-014": ("hls/reader_refusals::test_a_key_of_the_wrong_size_is_refused",),
    "HLS-015": ("hls/reader_refusals::test_segments_that_are_no_media_are_holes_and_three_in_a_row_are_the_end",),
    "HLS-016": (
        "hls/reader_refusals::test_a_segment_without_end_is_cut_at_its_limit",
        "hls/reader_refusals::test_a_segment_that_only_drips_is_given_up_in_time",
    ),
    "HLS-017": ("hls/reader_refusals::test_a_segment_redirected_to_a_metadata_service_is_refused",),
    "HLS-019": (
        "wrappers::test_a_hostile_entry_reaches_the_guard_as_it_is_and_is_refused_there",
        "hls/recorded::test_a_wrapper_in_a_wrapper_is_refused_and_one_in_front_of_hls_is_not",
        "probe::test_what_cannot_be_used_is_told_in_a_sentence",
    ),
    "HLS-020": (
        "feeds::test_a_document_type_is_refused_and_nothing_is_fetched",
        "feeds::test_five_megabytes_of_enclosures_are_one_episode_and_cheap",
    ),
    "HLS-021": ("hls/reader_refusals::test_a_dash_manifest_is_refused_without_another_fetch",),
    "HLS-022": (
        "hls/reader::test_announced_gaps_and_discontinuities_are_told_in_order",
        "hls/sound::test_a_change_of_format_and_a_hole_leave_every_sound_at_its_time",
    ),
    "DECODE-001": (_NO_SOUND, "sniff::test_what_is_no_recording_is_refused_and_named"),
    "DECODE-002": (_NO_SOUND,),
    "DECODE-003": (_NO_SOUND,),
    "DECODE-004": (_NO_SOUND,),
    "DECODE-005": ("hostile_files::test_a_playlist_hidden_in_the_subtitles_of_a_film_is_never_followed",),
    "DECODE-007": (
        "hostile_files::test_a_film_in_a_coding_with_a_known_hole_gives_its_sound_and_its_picture_is_never_decoded",
    ),
    "DECODE-008": ("hostile_files::test_a_cover_that_is_no_picture_is_not_looked_at",),
    "DECODE-009": ("decode::test_a_name_that_means_something_to_the_decoder_means_nothing",),
    "DECODE-010": ("hostile_files::test_hours_of_silence_in_a_small_file_stop_at_the_longest_length_allowed",),
    "DECODE-011": (_ODD, "decode::test_a_claimed_length_is_bounded_by_what_is_there"),
    "DECODE-012": (
        _ODD,
        "decode::test_a_film_without_sound_says_so",
        "hostile_files::test_a_file_of_very_many_streams_gives_sound_of_its_first_and_no_more",
    ),
    "DECODE-013": (
        "sniff::test_what_is_no_recording_is_refused_and_named",
        "sniff::test_random_bytes_are_no_recording",
    ),
    "DECODE-014": ("open::test_a_link_to_a_file_with_its_index_at_the_end_is_heard",),
    "DECODE-016": (_BROKEN,),
    "DECODE-017": (_BROKEN,),
    "DECODE-018": ("decode::test_a_decoder_that_floods_its_error_output_does_no_harm",),
    "DECODE-019": (
        "hostile_files::test_a_title_of_megabytes_costs_neither_memory_nor_time",
        "decode::test_a_strangers_title_becomes_one_harmless_line",
    ),
    "DECODE-020": ("hostile_files::test_a_recording_that_is_also_a_page_is_heard_as_a_recording",),
    "DECODE-022": ("hostile_files::test_a_chain_of_thousands_of_recordings_ends_within_its_processor_time",),
    "SANDBOX-001": (_CAGE, "sandbox::test_the_decoder_itself_reads_no_file_and_reaches_nobody"),
    "SANDBOX-002": (_CAGE, "sandbox::test_the_decoder_itself_reads_no_file_and_reaches_nobody"),
    "SANDBOX-003": (_CAGE, "sandbox::test_the_child_has_no_secrets_and_no_descriptors"),
    "SANDBOX-004": (_CAGE,),
    "SANDBOX-005": (
        "sandbox::test_processor_time_is_bounded",
        "sandbox::test_memory_is_bounded",
        "sandbox::test_threads_may_be_started_and_processes_not",
    ),
    "SANDBOX-006": ("sandbox::test_a_child_that_ignores_the_polite_signal_is_killed_and_reaped",),
    "SANDBOX-007": ("sandbox::test_the_child_dies_with_its_worker",),
    "SANDBOX-009": ("selftest::test_where_the_cage_does_not_hold_nothing_is_decoded",),
    "SANDBOX-011": ("sandbox::test_calls_of_another_architecture_do_not_step_round_the_filter",),
    "SERVE-010": (
        "storage::test_only_a_key_opens_or_deletes_anything",
        "storage::test_a_link_in_the_store_is_not_followed",
    ),
    "CONFIG-012": ("one_client::test_no_module_but_the_guarded_client_talks_http",),
}

#: Cases of this package that nothing holds yet, or not wholly, and what is missing.
OPEN: dict[str, str] = {}
