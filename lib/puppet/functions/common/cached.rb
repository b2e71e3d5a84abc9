# frozen_string_literal: true

# @summary What `file` and `epp` return, kept for the catalogs that follow.
#
# Both read their file anew for each catalog, and `epp` parses it, too: on a Puppet Server that is half of what `common::again` costs. What is kept
# goes with the environment, as its manifests do, and counts while the file has the size and the time of change that it had.
#
# @example The contents of the first file that is there
#   common::cached('common/again/notify')
#
# @example A template, with its parameters
#   common::cached('common/again.json.epp', { 'burst' => 10 })
#
# @api private
Puppet::Functions.create_function(:'common::cached') do
  # @param names
  #   As `file` takes them.
  # @return
  #   The text.
  dispatch :contents do
    repeated_param 'String[1]', :names
    return_type 'String'
  end

  # @param name
  #   As `epp` takes it.
  # @param parameters
  #   What the template is given.
  # @return
  #   The text.
  dispatch :rendered do
    param 'String[1]', :name
    param 'Hash[String, Any]', :parameters
    return_type 'String'
  end

  def contents(*names)
    cached(Puppet::Parser::Files.find_file(names.first, environment).to_s, nil) { call_function('file', *names) }
  end

  def rendered(name, parameters)
    cached(Puppet::Parser::Files.find_template(name, environment).to_s, parameters) { call_function('epp', name, parameters) }
  end

  def environment
    closure_scope.environment
  end

  # The hash is never changed but replaced: a server may compile catalogs in several threads. Few texts are expected; should a site's nodes have
  # more, they begin anew.
  def cached(path, parameters)
    marks = marks_of(path)
    return yield unless marks

    key = [path, marks, parameters]
    texts = @texts || {}
    texts.fetch(key) do
      yield.tap { |text| @texts = ((texts.size < 200) ? texts : {}).merge(key => text) }
    end
  end

  def marks_of(path)
    stat = Puppet::FileSystem.stat(path)
    [stat.size, stat.mtime]
  rescue SystemCallError
    nil
  end
end
