# frozen_string_literal: true

require 'json'

# @summary Writes what a `common::again::when` waits for as one line of ASCII, as src/schedule/condition.ts reads it.
#
# @api private
Puppet::Functions.create_function(:'common::again_condition') do
  # @param condition
  #   Strings, numbers, booleans, undef, and lists of strings, by name.
  # @return
  #   JSON in which all else than ASCII is escaped, so that it passes each locale.
  dispatch :condition do
    param 'Hash[String, Data]', :condition
    return_type 'String'
  end

  def condition(condition)
    JSON.generate(condition, ascii_only: true)
  end
end
